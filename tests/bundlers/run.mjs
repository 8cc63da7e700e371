// Installs the packed npm package into every example, as its users do. Builds and serves each
// example, and uses its page in Chromium. The package must be built.
// To run it alone: node tests/bundlers/run.mjs [--only vite,next]
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { launch } from '../../scripts/browser.mjs';
import { main, StepError } from '../../scripts/lib.mjs';
import { serveFiles } from '../../scripts/serve.mjs';
import { install, npm, pack } from './install.mjs';
import { inPage, judgeEditor, judgeScene } from './judge.mjs';
import { serveBy } from './serve.mjs';

/** Builds the example and serves it as plain files. */
const build =
  (output, judge = judgeScene) =>
  async (folder, browser) => {
    npm(['run', 'build'], folder);
    await served(serveFiles(`${folder}/${output}`), browser, judge);
  };

const dev =
  (...program) =>
  (folder, browser) =>
    served(serveBy(folder, ...program), browser, judgeScene);

const buildAndStart =
  (...program) =>
  async (folder, browser) => {
    npm(['run', 'build'], folder);
    await served(serveBy(folder, ...program), browser, judgeScene);
  };

async function served(starting, browser, judge) {
  const { url, close } = await starting;
  try {
    await inPage(browser, url, judge);
  } finally {
    await close();
  }
}

/**
 * Checks that the package can be imported on a server, and that creating a segmenter there is an
 * error with the right code.
 */
function node(folder) {
  const script = `import('aims-web').then(({ Segmenter }) => Segmenter.create()).catch(({ code }) => console.log(code))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (stdout.trim() !== 'unsupported-environment')
    throw new StepError(`Node said: ${stdout}${stderr}`);
}

const VITE = { dev: dev('vite/bin/vite.js', '--strictPort'), build: build('dist') };

/** What is done with each example, in this order. */
const EXAMPLES = {
  plain: { cases: { node, copy: build('') } },
  esbuild: { cases: { build: build('public') } },
  rollup: { cases: { build: build('public') } },
  webpack: { cases: { build: build('dist') } },
  vite: { cases: VITE },
  'vite-7': { example: 'vite', versions: { vite: '7.3.8' }, cases: VITE },
  'editor-plugin': { cases: { build: build('dist', judgeEditor) } },
  next: {
    cases: {
      dev: dev('next/dist/bin/next', 'dev'),
      build: buildAndStart('next/dist/bin/next', 'start'),
    },
  },
};

main(async () => {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const names = only?.split(',') ?? Object.keys(EXAMPLES);
  const unknown = names.find((name) => !Object.hasOwn(EXAMPLES, name));
  if (unknown !== undefined)
    throw new StepError(
      `There is no example "${unknown}". Choose from: ${Object.keys(EXAMPLES).join(', ')}.`,
    );

  const { tarball, remove } = pack();
  const browser = await launch([]);
  const failed = [];
  const attempt = async (title, body) => {
    const start = performance.now();
    let error;
    const result = await Promise.resolve()
      .then(body)
      .catch((cause) => (error = cause) && undefined);
    console.log(
      `${error ? 'FAILED' : 'passed'}  ${title.padEnd(22)} ${((performance.now() - start) / 1000).toFixed(1)} s`,
    );
    if (error) failed.push(`${title}: ${error instanceof StepError ? error.message : error.stack}`);
    return result;
  };
  try {
    for (const name of names) {
      const folder = await attempt(`${name} install`, () => install(name, tarball, EXAMPLES[name]));
      if (folder === undefined) continue;
      for (const [what, body] of Object.entries(EXAMPLES[name].cases))
        await attempt(`${name} ${what}`, () => body(folder, browser));
    }
  } finally {
    await browser.close();
    remove();
  }
  if (failed.length > 0)
    throw new StepError(
      `${failed.join('\n\n')}\n\nThe examples were built in ~/.cache/aims-web/bundlers.`,
    );
});
