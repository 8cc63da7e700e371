// The checks that `npm test` runs, in the order in which they begin.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { batch } from './batch.mjs';
import { buildPackage, buildSite } from './build.mjs';
import { needCheckpoint, needFloatModel } from './checkpoint.mjs';
import { fuzz } from './fuzz.mjs';
import { npm, output, ROOT, run } from './lib.mjs';
import { checkCrates, checkPython, checkScripts, checkSpelling } from './linters.mjs';
import { needBrowser, needPackages, needVulkan, webdriverConfig } from './needs.mjs';
import { needSam2 } from './sam2.mjs';
import { setup } from './setup.mjs';
import { needWasmBindgen, WASM, wasmToolchain } from './toolchain.mjs';
import { buildWasm } from './wasm.mjs';

/** Parts of the checks below, in minutes if the last build is still there. */
export const LANES = {
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
export const EXTRAS = ['lib', 'typescript', 'package'];
/** This test of the package takes minutes. */
const SLOW = 'memory.test.js';
const DENY_WARNINGS = ['--', '-D', 'warnings'];

function native() {
  needVulkan();
  needCheckpoint();
  needSam2();
  if (output('cargo', ['nextest', '--version']) === undefined)
    return run('cargo', ['test', '--locked', '--release']);
  run('cargo', ['nextest', 'run', '--locked', '--release', '--no-fail-fast']);
  run('cargo', ['test', '--locked', '--release', '--doc']); // nextest does not run these
}

/** Runs cargo for the browser, with the quick profile. */
function wasmCargo(command, args, env) {
  const toolchain = wasmToolchain();
  const target = ['--package', 'aims-web', '--profile', 'wasm-dev', '--target', WASM];
  run('cargo', [...toolchain.args, command, '--locked', ...target, ...args], {
    env: { ...toolchain.env, ...env },
  });
}

function wasm() {
  const browser = needBrowser();
  needWasmBindgen();
  wasmCargo('test', ['--test', 'network'], {
    ...browser,
    ...needFloatModel(),
    WASM_BINDGEN_TEST_WEBDRIVER_JSON: webdriverConfig(browser.CHROMIUM),
    // These limits are generous, because shaders compile slowly on a software adapter and a busy
    // machine.
    WASM_BINDGEN_TEST_TIMEOUT: '1200',
    WASM_BINDGEN_TEST_DRIVER_TIMEOUT: '60',
  });
}

/** The tests of the package that run in Node, with the browser module that was built last. */
function packageInNode() {
  needPackages();
  const pkg = join(ROOT, 'pkg');
  if (!existsSync(join(pkg, 'wasm'))) return 'the browser module is not built';
  npm(['exec', '-w', 'pkg', '--', 'tsc']);
  const files = readdirSync(join(pkg, 'test')).filter(
    (name) => name.endsWith('.test.js') && name !== SLOW,
  );
  run(process.execPath, ['--test', ...files.map((name) => join('pkg', 'test', name))]);
}

function types(profile) {
  needPackages();
  buildWasm(profile); // the package is checked against its .d.ts
  npm(['run', 'typecheck', '-w', 'pkg']);
  buildPackage(profile);
  npm(['run', 'typecheck', '-w', 'www']);
  npm(['run', 'docs']); // fails if something public has no description
  npm(['run', 'licenses', '--', '--check']);
}

function e2e(profile) {
  const browser = needBrowser();
  buildSite(profile);
  npm(['run', 'e2e', '-w', 'www'], { env: browser });
  npm(['run', 'browsers', '-w', 'www']);
}

/** Of the checks that build in the same folder, one runs at a time. */
const NATIVE = { folder: 'target/release' };
const BROWSER = { folder: 'target/wasm-dev' };
/** These use the built package, which `types` builds and `unit` builds in part again. */
const BUILT = { after: 'unit' };

/**
 * `after` names the check that has to end before this one begins, and a check that is `alone` runs
 * beside no other.
 *
 * `run` takes the profile of the browser module. It throws if the check fails, and it returns the
 * reason if the check cannot run here.
 */
export const CHECKS = {
  /** It is alone, so that two checks at a time install nothing twice. */
  setup: { alone: true, run: setup },
  fmt: {
    run: () =>
      run('cargo', ['fmt', '--all', '--check'], {
        advice: 'Run `npm run format` and run this again.',
      }),
  },
  biome: { run: checkScripts },
  python: { run: checkPython },
  typos: { run: checkSpelling },
  deny: { run: checkCrates },
  'wasm-clippy': {
    ...BROWSER,
    run: () =>
      wasmCargo('clippy', ['--lib', '--test', 'network', ...DENY_WARNINGS], needFloatModel()),
  },
  clippy: {
    ...NATIVE,
    run: () => {
      const all = ['--locked', '--release', '--workspace', '--all-targets'];
      run('cargo', ['clippy', ...all, ...DENY_WARNINGS]);
    },
  },
  doc: {
    ...NATIVE,
    run: () =>
      run(
        'cargo',
        ['doc', '--locked', '--release', '--package', 'aims-web', '--lib', '--no-deps'],
        {
          env: { RUSTDOCFLAGS: '-D warnings' },
        },
      ),
  },
  /** The tests in `src`; among them is the one that compares shaders with the ops. */
  lib: {
    ...NATIVE,
    run: () => {
      needVulkan();
      run('cargo', ['test', '--locked', '--release', '--package', 'aims-web', '--lib', '--quiet']);
    },
  },
  typescript: {
    run: () => {
      needPackages();
      if (!existsSync(join(ROOT, 'pkg', 'wasm'))) return 'the browser module is not built';
      npm(['run', 'typecheck', '-w', 'pkg']);
      npm(['run', 'typecheck', '-w', 'www']);
    },
  },
  package: { run: packageInNode },
  types: { ...BROWSER, run: types },
  unit: {
    after: 'types',
    run: (profile) => {
      buildPackage(profile);
      npm(['run', 'test', '--if-present', '-w', 'pkg']);
    },
  },
  native: { ...NATIVE, run: native },
  wasm: { ...BROWSER, run: wasm },
  browsers: {
    ...BUILT,
    run: (profile) => {
      buildPackage(profile);
      run(process.execPath, ['pkg/browsers/run.mjs']);
    },
  },
  fuzz: { ...NATIVE, run: () => fuzz() },
  batch: { ...NATIVE, run: batch },
  e2e: { ...BUILT, run: e2e },
  bundlers: {
    ...BUILT,
    run: (profile) => {
      const browser = needBrowser();
      buildPackage(profile);
      run(process.execPath, ['tests/bundlers/run.mjs'], { env: browser });
    },
  },
};
