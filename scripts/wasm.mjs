// Builds the crate for the browser into pkg/wasm: cargo, wasm-bindgen, and for releases wasm-opt.
// Alone: node scripts/wasm.mjs [--profile wasm-release|wasm-dev]
import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ROOT, StepError, TARGET, isDone, main, once, run, say, setDone } from './lib.mjs';
import { needPackages } from './setup.mjs';
import { WASM, needWasmBindgen, wasmBindgenVersion, wasmToolchain } from './toolchain.mjs';

const OUT = 'pkg/wasm';
export const WASM_OUTPUTS = ['aims_web_bg.wasm', 'aims_web.js', 'aims_web.d.ts'].map((name) => `${OUT}/${name}`);
const PROFILES = ['wasm-release', 'wasm-dev'];

// What rustc itself switches on for wasm32, plus SIMD: wasm-opt must neither refuse these nor bring in newer ones.
const FEATURES = ['simd', 'bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals', 'reference-types', 'multivalue'];

export function buildWasm(profile) {
  if (!PROFILES.includes(profile)) throw new StepError(`There is no profile ${profile}. Use one of: ${PROFILES.join(', ')}.`);
  const inputs = ['Cargo.toml', 'Cargo.lock', '.cargo', 'src', 'shaders', 'scripts/wasm.mjs'];
  once('wasm', { inputs, outputs: WASM_OUTPUTS, extra: [profile], what: `Building the browser module (${profile})` }, () => {
    const toolchain = wasmToolchain();
    const args = [...toolchain.args, 'build', '--locked', '--lib', '--profile', profile, '--target', WASM];
    run('cargo', args, { env: toolchain.env });
    bind(profile, join(TARGET, WASM, profile, 'aims_web.wasm'));
  });
}

// A change of comments or of native code leaves the linked module as it was; then the slow steps after it are skipped.
// Every profile has its own folder, so that going back and forth between tests and `npm start` costs a copy only.
function bind(profile, linked) {
  const hash = createHash('sha256').update(readFileSync(linked)).update(wasmBindgenVersion()).digest('hex');
  const folder = join(TARGET, 'aims-web-bindings', profile);
  const module = join(folder, 'aims_web_bg.wasm');
  if (!isDone(`bind ${profile}`, hash, [module])) {
    const release = profile === 'wasm-release';
    const strip = release ? ['--remove-name-section', '--remove-producers-section'] : [];
    run(needWasmBindgen(), ['--target', 'web', '--out-dir', folder, '--out-name', 'aims_web', ...strip, linked]);
    if (release) optimise(module);
    setDone(`bind ${profile}`, hash);
  }
  cpSync(folder, join(ROOT, OUT), { recursive: true });
  const bytes = readFileSync(module);
  say(`${OUT}/aims_web_bg.wasm: ${megabytes(bytes.length)} raw, ${megabytes(gzipSync(bytes, { level: 9 }).length)} gzip`);
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
  main(() => buildWasm(parseArgs({ options: { profile: { type: 'string', default: 'wasm-release' } } }).values.profile));
