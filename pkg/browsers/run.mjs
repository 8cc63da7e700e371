// Runs the package's tests in Chromium, Firefox and WebKit, on a blank page. The package must be
// built.
// To run it alone: node pkg/browsers/run.mjs [--browser firefox,webkit] [--only prompts,files]
// [--images 200]
import { parseArgs } from 'node:util';
import { main, StepError, say } from '../../scripts/lib.mjs';
import { BROWSERS, openBrowser } from './browsers.mjs';
import { serveTests } from './server.mjs';

/** This limit is generous, because nothing here measures time and machines may be busy. */
const SILENCE_MINUTES = 15;

const OPTIONS = {
  browser: { type: 'string' },
  only: { type: 'string' },
  images: { type: 'string' },
};
const { browser, ...settings } = parseArgs({ options: OPTIONS }).values;

function chosen() {
  const names = browser?.split(',') ?? Object.keys(BROWSERS);
  const unknown = names.find((name) => !Object.hasOwn(BROWSERS, name));
  if (unknown !== undefined)
    throw new StepError(
      `There is no browser "${unknown}". Choose from: ${Object.keys(BROWSERS).join(', ')}.`,
    );
  return names;
}

/** Gives the reason why a browser cannot be tested on this machine, or undefined if it can. */
function missing(name) {
  try {
    BROWSERS[name].find();
    return undefined;
  } catch (error) {
    if (error instanceof StepError) return error.message;
    throw error;
  }
}

/** What the page has reported so far. */
class Results {
  counts = { passed: 0, failed: 0, skipped: 0 };
  last = 'nothing was reported';

  add({ kind, title, error, reason, ms }) {
    if (kind === 'browser' || kind === 'note') console.log(`  ${title}`);
    this.last = kind === 'started' ? `it was running "${title}"` : `the last report was "${title}"`;
    if (!(kind in this.counts)) return;
    this.counts[kind]++;
    const time = ms === undefined ? '' : ` (${(ms / 1000).toFixed(1)} s)`;
    console.log(`  ${kind.padEnd(7)} ${title}${time}${reason ? `: ${reason}` : ''}`);
    if (error) console.log(error.replace(/^/gm, '            '));
  }
}

/** Runs all tests in a browser. Throws if the browser ends or falls silent before they are done. */
async function test(name) {
  const results = new Results();
  let finish;
  const done = new Promise((resolve, reject) => (finish = { resolve, reject }));
  done.catch(() => {}); // it may fail before anything waits for it
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => finish.reject(new StepError(`It reported nothing for ${SILENCE_MINUTES} minutes`)),
      SILENCE_MINUTES * 60_000,
    );
  };
  const server = await serveTests((report) => {
    wait();
    results.add(report);
    if (report.kind === 'done') finish.resolve();
    if (report.kind === 'broken')
      finish.reject(new StepError(`The test page failed: ${report.error}`));
  });
  let opened;
  try {
    wait();
    opened = await openBrowser(
      name,
      `${server.url}pkg/browsers/page.html?${new URLSearchParams(settings)}`,
    );
    opened.ended.then(() => finish.reject(new StepError('It ended before the tests did')));
    await done;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    throw new StepError(
      `${error.message}; ${results.last}. What it wrote:\n${opened?.errors() ?? ''}`,
    );
  } finally {
    clearTimeout(timer);
    await opened?.close();
    server.close();
  }
  return results.counts;
}

main(async () => {
  const lines = [];
  let failures = 0;
  let tested = 0;
  for (const name of chosen()) {
    const reason = missing(name);
    if (reason !== undefined) {
      lines.push(`skipped  ${name}: ${reason}`);
      continue;
    }
    say(`Tests in ${name}`);
    tested++;
    try {
      const { passed, failed, skipped } = await test(name);
      const isGood = failed === 0 && passed > 0;
      if (!isGood) failures++;
      lines.push(
        `${isGood ? 'passed' : 'FAILED'}   ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`,
      );
    } catch (error) {
      failures++;
      lines.push(`FAILED   ${name}: ${error instanceof StepError ? error.message : error.stack}`);
    }
  }
  console.log(`\n${lines.join('\n')}`);
  if (tested === 0)
    throw new StepError('No browser was tested. Install one of those above and run this again.');
  if (failures > 0) process.exitCode = 1;
});
