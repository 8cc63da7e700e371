// npm test: runs every check, the cheapest first. If one fails, the others still run.
// To run a part: npm test -- --only native,wasm
// The demo is tested with the module that ships.
// To use a module that is quicker to build: npm test -- --profile wasm-dev
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { batch } from './batch.mjs';
import { buildPackage, buildSite } from './build.mjs';
import { needCheckpoint, needFloatModel } from './checkpoint.mjs';
import { fuzz } from './fuzz.mjs';
import { main, npm, output, ROOT, run, StepError, say } from './lib.mjs';
import { checkCrates, checkPython, checkScripts, checkSpelling } from './linters.mjs';
import { needBrowser, needPackages, needVulkan, webdriverConfig } from './needs.mjs';
import { needSam2 } from './sam2.mjs';
import { needWasmBindgen, WASM, wasmToolchain } from './toolchain.mjs';
import { buildWasm } from './wasm.mjs';

const { only, lane, check, profile } = parseArgs({
  options: {
    only: { type: 'string' },
    lane: { type: 'string' },
    // Runs one check in this process. Without it, every check has a process of its own.
    check: { type: 'string' },
    profile: { type: 'string', default: 'wasm-release' },
  },
}).values;

/** Parts of the checks below, in minutes if the last build is still there. */
const LANES = {
  check: [
    'fmt',
    'biome',
    'python',
    'typos',
    'deny',
    'clippy',
    'doc',
    'lib',
    'typescript',
    'package',
  ],
};
/** These are part of other checks, so they do not run with all of them. */
const EXTRAS = ['lib', 'typescript', 'package'];
/** This test of the package takes minutes. */
const SLOW = 'memory.test.js';

function native() {
  needVulkan();
  needCheckpoint();
  needSam2();
  if (output('cargo', ['nextest', '--version']) === undefined)
    return run('cargo', ['test', '--locked', '--release']);
  run('cargo', ['nextest', 'run', '--locked', '--release', '--no-fail-fast']);
  run('cargo', ['test', '--locked', '--release', '--doc']); // nextest does not run these
}

function wasmCargo(args, env) {
  const toolchain = wasmToolchain();
  run('cargo', [...toolchain.args, ...args], { env: { ...toolchain.env, ...env } });
}

function wasm() {
  const browser = needBrowser();
  needWasmBindgen();
  wasmCargo(
    [
      'test',
      '--locked',
      '--package',
      'aims-web',
      '--profile',
      'wasm-dev',
      '--target',
      WASM,
      '--test',
      'network',
    ],
    {
      ...browser,
      ...needFloatModel(),
      WASM_BINDGEN_TEST_WEBDRIVER_JSON: webdriverConfig(browser.CHROMIUM),
      // These limits are generous, because shaders compile slowly on a software adapter and a busy
      // machine.
      WASM_BINDGEN_TEST_TIMEOUT: '1200',
      WASM_BINDGEN_TEST_DRIVER_TIMEOUT: '60',
    },
  );
}

/** A check throws if it fails. It returns the reason if it cannot run here. */
const CHECKS = {
  fmt: () =>
    run('cargo', ['fmt', '--all', '--check'], {
      advice: 'Run `npm run format` and run this again.',
    }),
  clippy: () =>
    run('cargo', [
      'clippy',
      '--locked',
      '--release',
      '--workspace',
      '--all-targets',
      '--',
      '-D',
      'warnings',
    ]),
  biome: checkScripts,
  python: checkPython,
  typos: checkSpelling,
  deny: checkCrates,
  doc: () =>
    run('cargo', ['doc', '--locked', '--release', '--package', 'aims-web', '--lib', '--no-deps'], {
      env: { RUSTDOCFLAGS: '-D warnings' },
    }),
  /** The tests in `src`; among them is the one that compares shaders with the ops. */
  lib: () => {
    needVulkan();
    run('cargo', ['test', '--locked', '--release', '--package', 'aims-web', '--lib', '--quiet']);
  },
  typescript: () => {
    needPackages();
    if (!existsSync(join(ROOT, 'pkg', 'wasm'))) return 'the browser module is not built';
    npm(['run', 'typecheck', '-w', 'pkg']);
    npm(['run', 'typecheck', '-w', 'www']);
  },
  /** The tests of the package that run in Node, with the browser module that was built last. */
  package: () => {
    needPackages();
    const pkg = join(ROOT, 'pkg');
    if (!existsSync(join(pkg, 'wasm'))) return 'the browser module is not built';
    npm(['exec', '-w', 'pkg', '--', 'tsc']);
    const files = readdirSync(join(pkg, 'test')).filter(
      (name) => name.endsWith('.test.js') && name !== SLOW,
    );
    run(process.execPath, ['--test', ...files.map((name) => join('pkg', 'test', name))]);
  },
  native,
  fuzz: () => fuzz(),
  batch,
  'wasm-clippy': () =>
    wasmCargo(
      [
        'clippy',
        '--locked',
        '--package',
        'aims-web',
        '--profile',
        'wasm-dev',
        '--target',
        WASM,
        '--lib',
        '--test',
        'network',
        '--',
        '-D',
        'warnings',
      ],
      needFloatModel(),
    ),
  wasm,
  types: () => {
    needPackages();
    buildWasm(profile); // the package is checked against its .d.ts
    npm(['run', 'typecheck', '-w', 'pkg']);
    buildPackage(profile);
    npm(['run', 'typecheck', '-w', 'www']);
    npm(['run', 'docs']); // fails if something public has no description
    npm(['run', 'licenses', '--', '--check']);
  },
  unit: () => {
    buildPackage(profile);
    npm(['run', 'test', '--if-present', '-w', 'pkg']);
  },
  browsers: () => {
    buildPackage(profile);
    run(process.execPath, ['pkg/browsers/run.mjs']);
  },
  e2e: () => {
    const browser = needBrowser();
    buildSite(profile);
    npm(['run', 'e2e', '-w', 'www'], { env: browser });
    npm(['run', 'browsers', '-w', 'www']);
  },
  bundlers: () => {
    const browser = needBrowser();
    buildPackage(profile);
    run(process.execPath, ['tests/bundlers/run.mjs'], { env: browser });
  },
};

function chosen() {
  if (lane !== undefined && !Object.hasOwn(LANES, lane)) {
    throw new StepError(
      `There is no lane "${lane}". Choose from: ${Object.keys(LANES).join(', ')}.`,
    );
  }
  const names = check ? [check] : lane ? LANES[lane] : only?.split(',');
  if (!names) return Object.keys(CHECKS).filter((name) => !EXTRAS.includes(name));
  const unknown = names.find((name) => !Object.hasOwn(CHECKS, name));
  if (unknown !== undefined)
    throw new StepError(
      `There is no check "${unknown}". Choose from: ${Object.keys(CHECKS).join(', ')}.`,
    );
  return Object.keys(CHECKS).filter((name) => names.includes(name));
}

/** What a failed check printed last is printed again at the end: so many characters of it. */
const TAIL = 4000;

/**
 * Runs one check in a process of its own. Returns its line for the summary, and the end of its
 * output if it failed.
 */
async function made(name) {
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [import.meta.filename, '--check', name, '--profile', profile],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let tail = '';
  for (const [stream, shown] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      shown.write(text);
      tail = (tail + text).slice(-TAIL);
    });
  }
  const [status] = await once(child, 'close');
  const why = tail.match(UNABLE)?.[1];
  const result = status !== 0 ? 'FAILED' : why ? 'skipped' : 'passed';
  const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
  return {
    name,
    result,
    tail: tail.slice(tail.indexOf('\n') + 1).trim(),
    line: `${result.padEnd(7)} ${name.padEnd(12)} ${why ? `because ${why}` : took}`,
  };
}

/** The line with which a check says that it cannot run here. */
const UNABLE = /^==> Skipped because (.*)$/m;

/** A check throws if it fails. */
function runCheck(name) {
  say(`Check: ${name}`);
  const unable = CHECKS[name]();
  if (unable) say(`Skipped because ${unable}`);
}

async function runChecks() {
  const checks = [];
  for (const name of chosen()) checks.push(await made(name));
  const count = (wanted) => checks.filter(({ result }) => result === wanted).length;
  const failed = checks.filter(({ result }) => result === 'FAILED');
  // This is printed again at the end, where people look first.
  for (const { name, tail } of failed) console.error(`\n==> The end of ${name}:\n${tail}`);
  console.log(`\n${checks.map(({ line }) => line).join('\n')}`);
  console.log(
    `${count('passed')} passed, ${failed.length} failed${count('skipped') ? `, ${count('skipped')} skipped` : ''}`,
  );
  if (failed.length) process.exitCode = 1;
}

main(() => (check === undefined ? runChecks() : chosen().forEach(runCheck)));
