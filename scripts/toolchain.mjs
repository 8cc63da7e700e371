// Finds or installs what turns the crate into a browser module: a Rust toolchain with the standard
// library for wasm32-unknown-unknown, and the wasm-bindgen command in exactly the version of
// Cargo.lock.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { aptInstall, output, ROOT, run, StepError, say, TARGET, TOOLS, which } from './lib.mjs';

export const WASM = 'wasm32-unknown-unknown';
const MIRROR_LIMIT_MS = 10 * 60 * 1000;

/** Throws if cargo is not installed. */
export function needRust() {
  if (!output('cargo', ['--version']))
    throw new StepError(
      'Rust is not installed. Install it from https://rustup.rs and run this again.',
    );
}

const hasWasm = (...toolchain) => {
  const folder = output('rustc', [...toolchain, '--print', 'target-libdir', '--target', WASM]);
  return (
    folder !== undefined &&
    existsSync(folder) &&
    readdirSync(folder).some((name) => name.startsWith('libstd-'))
  );
};

/**
 * Returns the toolchain for wasm builds, which is installed if it is missing. `args` go before
 * cargo's own arguments, and `env` goes into its environment. Usually it is the default toolchain
 * with one more target. If rustup cannot download that target, Debian's `web` toolchain is used
 * instead.
 */
export function wasmToolchain() {
  needRust();
  const usual = { args: [], env: environment() };
  const debian = () => ({
    args: ['+web'],
    env: { ...environment(), CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker() },
  });
  if (process.env.AIMS_WASM_TOOLCHAIN !== 'web') {
    if (hasWasm()) return usual;
    if (hasWasm('+web')) return debian();
    if (addTarget()) return usual;
  }
  if (!hasWasm('+web')) installDebian();
  return debian();
}

function environment() {
  const bin = join(wasmBindgenRoot(), 'bin');
  // An inherited RUSTFLAGS would replace the flags of .cargo/config.toml, which turn on SIMD and
  // more.
  return { RUSTFLAGS: undefined, PATH: `${bin}${delimiter}${process.env.PATH}` };
}

function addTarget() {
  if (!which('rustup')) return false;
  say(`Adding the Rust target ${WASM} (the browser module is built for it)`);
  try {
    run('rustup', ['target', 'add', WASM], {
      env: { RUSTUP_MAX_RETRIES: '1' },
      timeout: MIRROR_LIMIT_MS,
    });
    return hasWasm();
  } catch {
    console.log('rustup could not download it; trying the Debian packages instead.');
    return false;
  }
}

// Debian has the compiler and the sources of its standard library, but neither a wasm32 build of
// that library nor rust-lld.
function installDebian() {
  const advice = `Run \`rustup target add ${WASM}\` on a network that reaches static.rust-lang.org, then run this again.`;
  if (
    !which('rustup') ||
    !aptInstall(
      ['rustc-web', 'cargo-web', 'rust-web-src', 'rust-web-clippy'],
      'the fallback for building wasm32',
    )
  )
    throw new StepError(`There is no way to get the Rust target ${WASM} here. ${advice}`);
  say(
    "Building the Rust standard library for wasm32 from Debian's sources (once, about two minutes)",
  );
  const folder = mkdtempSync(join(tmpdir(), 'aims-std-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src', 'lib.rs'), '#![no_std]\n');
    writeFileSync(
      join(folder, 'Cargo.toml'),
      '[package]\nname = "std-seed"\nversion = "0.0.0"\nedition = "2024"\n',
    );
    run(
      '/usr/bin/cargo',
      ['build', '--release', '-Zbuild-std=std,panic_abort,panic_unwind,test', '--target', WASM],
      {
        cwd: folder,
        advice,
        env: {
          RUSTC_BOOTSTRAP: '1',
          RUSTC: '/usr/bin/rustc',
          RUSTUP_TOOLCHAIN: undefined,
          CARGO_TARGET_DIR: join(folder, 'target'),
          RUSTFLAGS: '-C target-feature=+simd128,+bulk-memory -C embed-bitcode=yes',
        },
      },
    );
    const built = join(folder, 'target', WASM, 'release', 'deps');
    const home = join('/usr/lib/rustlib', WASM, 'lib');
    mkdirSync(home, { recursive: true });
    for (const name of readdirSync(built))
      if (name.endsWith('.rlib') && !name.startsWith('libstd_seed'))
        cpSync(join(built, name), join(home, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  run('rustup', ['toolchain', 'link', 'web', '/usr'], { advice });
  if (!hasWasm('+web'))
    throw new StepError(
      `The standard library for ${WASM} did not end up in /usr/lib/rustlib. ${advice}`,
    );
}

/**
 * Returns the path of rust-lld. Every rustup toolchain has it, in the folder of the machine it runs
 * on.
 */
export function linker() {
  const found = [
    output('rustc', ['--print', 'target-libdir']),
    output('rustc', ['+stable', '--print', 'target-libdir']),
  ]
    .filter(Boolean)
    .map((libdir) => join(libdir, '..', 'bin', 'rust-lld'))
    .find(existsSync);
  if (!found)
    throw new StepError(
      'No rust-lld found in the rustup toolchain. Run `rustup toolchain install stable` and run this again.',
    );
  return found;
}

export function wasmBindgenVersion() {
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  const version = /\nname = "wasm-bindgen"\nversion = "([^"]+)"/.exec(
    lock.replaceAll('\r\n', '\n'),
  )?.[1];
  if (!version)
    throw new StepError(
      'Cargo.lock does not name wasm-bindgen. Restore it with `git checkout Cargo.lock`.',
    );
  return version;
}

const wasmBindgenRoot = () => join(TOOLS, `wasm-bindgen-${wasmBindgenVersion()}`);

/**
 * Installs the wasm-bindgen command and its test runner. Both must have the same version as the
 * crate.
 */
export function needWasmBindgen() {
  const version = wasmBindgenVersion();
  const home = wasmBindgenRoot();
  const command = join(home, 'bin', 'wasm-bindgen');
  if (output(command, ['--version']) === `wasm-bindgen ${version}`) return command;
  needRust();
  say(`Building the wasm-bindgen command ${version} into ${home} (once, about five minutes)`);
  const folder = join(TARGET, 'wasm-bindgen-cli');
  const install = (...how) =>
    run(
      'cargo',
      [
        'install',
        ...how,
        '--quiet',
        'wasm-bindgen-cli',
        '--version',
        `=${version}`,
        '--root',
        home,
        '--target-dir',
        folder,
      ],
      {
        advice: 'Check that crates.io is reachable, then run this again.',
      },
    );
  try {
    install('--locked');
  } catch {
    say('Its locked dependencies could not be installed; trying other versions that fit');
    install();
  }
  rmSync(folder, { recursive: true, force: true });
  return command;
}
