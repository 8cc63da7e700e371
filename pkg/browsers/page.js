// Runs all tests in this page and reports each to the server as it ends.

let sending = Promise.resolve();

/** Sends the reports in the order of the calls. */
const report = (message) => {
  sending = sending.then(() =>
    fetch('/test/report', { method: 'POST', body: JSON.stringify(message) }),
  );
};

const textOf = (error) =>
  error.stack?.includes(error.message)
    ? error.stack
    : `${error.name}: ${error.message}\n${error.stack ?? ''}`;

function Reporter(runner) {
  for (const step of ['test', 'hook'])
    runner.on(step, (step) => report({ kind: 'started', title: step.fullTitle() }));
  runner.on('pass', (test) =>
    report({ kind: 'passed', title: test.fullTitle(), ms: test.duration }),
  );
  runner.on('fail', (test, error) =>
    report({ kind: 'failed', title: test.fullTitle(), ms: test.duration, error: textOf(error) }),
  );
  runner.on('pending', (test) =>
    report({
      kind: 'skipped',
      title: test.fullTitle(),
      reason: test.skipReason ?? test.parent.skipReason ?? 'no reason was given',
    }),
  );
}

report({ kind: 'browser', title: navigator.userAgent });
try {
  // Tests have no time limit. The server has one for the whole browser.
  mocha.setup({ ui: 'bdd', timeout: 0, reporter: Reporter });
  const specs = await (await fetch('/test/specs')).json();
  const only = new URLSearchParams(location.search).get('only')?.split(',');
  for (const name of specs)
    if (!only || only.includes(name.replace('.spec.js', ''))) await import(`./${name}`);
  mocha.run(() => report({ kind: 'done', title: 'the end' }));
} catch (error) {
  report({ kind: 'broken', title: 'the start', error: textOf(error) });
}
