// What all scripts share: paths, running programs, errors that say what to do, and stamps of
// finished work, which is then skipped.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(homedir(), '.cache');
export const TOOLS = join(CACHE, 'aims-web', 'tools');

// The target directory is outside the checkout, because it grows to several GB and outlives
// checkouts.
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR || join(CACHE, 'aims-target'));
process.env.CARGO_TARGET_DIR = TARGET;

/** A failure. Its message says what went wrong and, in its last sentence, what to do. */
export class StepError extends Error {}

export const say = (text) => console.log(`==> ${text}`);

/** Runs the body of a script. If it fails, its message is printed and the exit status is 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(`\nerror: ${error instanceof StepError ? error.message : error.stack}`);
    process.exitCode = 1;
  }
}

/**
 * Runs a program in the checkout and shows its output. Throws a StepError with `advice` if it
 * fails.
 */
export function run(
  program,
  args,
  { advice = 'Fix what it reports above and run this again.', env, cwd = ROOT, timeout } = {},
) {
  const result = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout,
  });
  if (result.status === 0) return;
  const cause =
    result.error?.message ??
    (result.signal ? `ended by ${result.signal}` : `exit status ${result.status}`);
  throw new StepError(`\`${[program, ...args].join(' ')}\` failed (${cause}). ${advice}`);
}

/** Returns the trimmed standard output of a program, or undefined if it is missing or fails. */
export function output(program, args) {
  const result = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Returns the full path of the first of `names` that is on PATH. */
export function which(...names) {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of names)
    for (const folder of folders)
      for (const suffix of suffixes) {
        const path = join(folder, name + suffix);
        try {
          accessSync(path, constants.X_OK);
          return path;
        } catch {
          // not in this folder
        }
      }
  return undefined;
}

/** Runs npm. Under `npm run` it runs npm's own script, because on Windows npm.cmd needs a shell. */
export function npm(args, options) {
  const script = process.env.npm_execpath;
  if (script) run(process.execPath, [script, ...args], options);
  else run('npm', args, options);
}

/** Installs Debian packages if that is possible. Returns false if it is not. */
export function aptInstall(packages, why) {
  if (process.getuid?.() !== 0 || !which('apt-get')) return false;
  say(`Installing ${packages.join(', ')} with apt-get (${why})`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const advice = 'Check the network and /etc/apt/sources.list, then run this again.';
  run('apt-get', ['update', '-qq'], { env, advice });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, advice });
  return true;
}

const SKIPPED = new Set(['node_modules', 'dist', 'target', '.git', 'test-results']);

/**
 * Returns the SHA-256 of the names and contents of `paths`. These are files or folders, relative to
 * the checkout. Missing ones count as empty.
 */
export function hashOf(paths, ...extra) {
  const hash = createHash('sha256');
  const visit = (path) => {
    const full = join(ROOT, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) if (!SKIPPED.has(name)) visit(`${path}/${name}`);
    } else {
      hash.update(`${path}\0`).update(createHash('sha256').update(readFileSync(full)).digest());
    }
  };
  paths.forEach(visit);
  return hash.update(JSON.stringify(extra)).digest('hex');
}

// There is one file for each checkout. It is next to the build output, so that deleting the output
// deletes the stamps too.
const stampFile = () =>
  join(TARGET, 'stamps', `${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}.json`);
const stamps = () => (existsSync(stampFile()) ? JSON.parse(readFileSync(stampFile(), 'utf8')) : {});

/** Says whether `name` was last done with this `hash` and its outputs still exist. */
export const isDone = (name, hash, outputs) =>
  stamps()[name] === hash && outputs.every((path) => existsSync(resolve(ROOT, path)));

export function setDone(name, hash) {
  mkdirSync(dirname(stampFile()), { recursive: true });
  // It is renamed into place, because another command may be reading it.
  const partial = `${stampFile()}.${process.pid}`;
  writeFileSync(partial, JSON.stringify({ ...stamps(), [name]: hash }, null, 2));
  renameSync(partial, stampFile());
}

/** Runs `body` if something has changed since it last succeeded. */
export function once(name, { inputs, outputs, extra = [], what }, body) {
  const hash = hashOf(inputs, ...extra);
  if (isDone(name, hash, outputs)) {
    say(`${what}: nothing changed, skipped`);
    return;
  }
  say(what);
  body();
  setDone(name, hash); // the hash from before, because later edits are not built yet
}
