// Builds the crate for the browser into pkg/wasm, with cargo, wasm-bindgen and, for releases,
// wasm-opt.
// To run it alone: node scripts/wasm.mjs [--profile wasm-release|wasm-dev]
import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { isDone, main, once, ROOT, run, StepError, say, setDone, TARGET } from './lib.mjs';
import { needPackages } from './needs.mjs';
import { linker, needWasmBindgen, WASM, wasmBindgenVersion, wasmToolchain } from './toolchain.mjs';

const OUT = 'pkg/wasm';
/**
 * Two builds of the same program. The worker takes the second one if the browser has relaxed SIMD,
 * which multiplies and adds in one step.
 */
const BUILDS = { simd: [], 'relaxed-simd': ['--', '-C', 'target-feature=+relaxed-simd'] };
const FILES = ['aims_web_bg.wasm', 'aims_web.js', 'aims_web.d.ts'];
export const WASM_OUTPUTS = Object.keys(BUILDS).flatMap((build) =>
  FILES.map((name) => `${OUT}/${build}/${name}`),
);
/** The largest gzip size in bytes of a module that ships. A page loads one of the modules. */
const BUDGET = 1.5e6;
const PROFILES = ['wasm-release', 'wasm-dev'];

// The features that rustc itself turns on for wasm32, and SIMD. wasm-opt must accept these and must
// not use newer ones. It adds no relaxed SIMD to a module that has none.
const FEATURES = [
  'simd',
  'bulk-memory',
  'nontrapping-float-to-int',
  'sign-ext',
  'mutable-globals',
  'reference-types',
  'multivalue',
  'relaxed-simd',
];

export function buildWasm(profile) {
  if (!PROFILES.includes(profile))
    throw new StepError(`There is no profile ${profile}. Use one of: ${PROFILES.join(', ')}.`);
  const inputs = ['Cargo.toml', 'Cargo.lock', '.cargo', 'src', 'shaders', 'scripts/wasm.mjs'];
  once(
    'wasm',
    {
      inputs,
      outputs: WASM_OUTPUTS,
      extra: [profile],
      what: `Building the browser module (${profile})`,
    },
    () => {
      const toolchain = wasmToolchain();
      const release = profile === 'wasm-release';
      for (const [build, flags] of Object.entries(BUILDS)) {
        // Only the module is built. If cargo also built an rlib, it would leave out the link-time
        // optimisation that the profile asks for.
        const args = [
          ...toolchain.args,
          'rustc',
          '--locked',
          '--package',
          'aims-web',
          '--lib',
          '--crate-type',
          'cdylib',
          '--profile',
          profile,
          '--target',
          WASM,
        ];
        run('cargo', [...args, ...flags], {
          env: { ...toolchain.env, ...(release ? smallLinker() : {}) },
        });
        bind(profile, build, join(TARGET, WASM, profile, 'aims_web.wasm'));
      }
    },
  );
}

/**
 * Removes what only static constructors need. Windows cannot start a script as a linker, so the
 * module is larger there but works the same.
 */
function smallLinker() {
  if (process.platform === 'win32') return {};
  return {
    AIMS_RUST_LLD: linker(),
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: join(ROOT, 'scripts', 'wasm-linker.mjs'),
  };
}

// If only comments or native code changed, the linked module is the same, and the slow steps after
// it are skipped. Every profile has its own folder, so that switching between tests and `npm start`
// costs only a copy.
function bind(profile, build, linked) {
  const hash = createHash('sha256')
    .update(readFileSync(linked))
    .update(wasmBindgenVersion())
    .digest('hex');
  const folder = join(TARGET, 'aims-web-bindings', profile, build);
  const module = join(folder, 'aims_web_bg.wasm');
  const release = profile === 'wasm-release';
  if (!isDone(`bind ${profile} ${build}`, hash, [module])) {
    const strip = release ? ['--remove-name-section', '--remove-producers-section'] : [];
    run(needWasmBindgen(), [
      '--target',
      'web',
      '--out-dir',
      folder,
      '--out-name',
      'aims_web',
      ...strip,
      linked,
    ]);
    if (release) optimise(module);
    setDone(`bind ${profile} ${build}`, hash);
  }
  cpSync(folder, join(ROOT, OUT, build), { recursive: true });
  const bytes = readFileSync(module);
  const compressed = gzipSync(bytes, { level: 9 }).length;
  say(
    `${OUT}/${build}/aims_web_bg.wasm: ${megabytes(bytes.length)} raw, ${megabytes(compressed)} gzip`,
  );
  if (release && compressed > BUDGET)
    throw new StepError(
      `The gzipped browser module has ${megabytes(compressed)}, and the limit is ${megabytes(BUDGET)}. Find out what made it larger, or raise BUDGET in scripts/wasm.mjs and give a reason.`,
    );
}

function optimise(module) {
  needPackages();
  say('Shrinking the module with wasm-opt (a minute or two)');
  const features = FEATURES.map((name) => `--enable-${name}`);
  const wasmOpt = join(ROOT, 'node_modules', 'binaryen', 'bin', 'wasm-opt');
  run(process.execPath, [wasmOpt, module, '-o', module, '-Oz', ...features]);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

if (process.argv[1] === import.meta.filename)
  main(() =>
    buildWasm(
      parseArgs({ options: { profile: { type: 'string', default: 'wasm-release' } } }).values
        .profile,
    ),
  );
