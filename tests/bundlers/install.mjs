// Packs the npm package and installs it into copies of the examples, which are outside the checkout
// and its workspaces.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT, StepError } from '../../scripts/lib.mjs';

// Packages stay between runs, so only what has changed is installed again.
const CACHE = join(homedir(), '.cache', 'aims-web', 'bundlers');
const KEPT = ['node_modules', 'package-lock.json'];

/**
 * Packs pkg/ with `npm pack`. The file's name has a hash of its contents, because npm assumes that
 * files with the same name are the same.
 */
export function pack() {
  const folder = mkdtempSync(join(tmpdir(), 'aims-web-pack-'));
  const [{ filename }] = JSON.parse(
    npm(['pack', './pkg', '--json', '--pack-destination', folder], ROOT),
  );
  const hash = createHash('sha256')
    .update(readFileSync(join(folder, filename)))
    .digest('hex')
    .slice(0, 16);
  const tarball = join(folder, `aims-web-${hash}.tgz`);
  renameSync(join(folder, filename), tarball);
  return { tarball, remove: () => rmSync(folder, { recursive: true }) };
}

/**
 * Makes a fresh copy of an example and installs the packed package and its other dependencies.
 * `versions` gives other versions for some packages.
 */
export function install(name, tarball, { example = name, versions = {} }) {
  const folder = join(CACHE, name);
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(folder))
    if (!KEPT.includes(entry)) rmSync(join(folder, entry), { recursive: true });
  // These were made by trying the example in the checkout, so they are not copied.
  const made = ['node_modules', 'dist', 'aims-web', '.next'];
  cpSync(join(ROOT, 'examples', example), folder, {
    recursive: true,
    filter: (path) => !made.includes(basename(path)),
  });
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifest.dependencies['aims-web'] = `file:${tarball}`;
  Object.assign(manifest.devDependencies ?? {}, versions);
  const text = JSON.stringify(manifest, null, 2);
  writeFileSync(join(folder, 'package.json'), text);

  // The tarball's folder differs each time, so only its name is compared.
  const wanted = text.replace(/file:.*[\\/]/, '');
  const stamp = join(folder, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder;
  rmSync(stamp, { force: true });
  npm(['install', '--no-audit', '--no-fund'], folder);
  writeFileSync(stamp, wanted);
  return folder;
}

/**
 * Runs npm and gives its standard output, which is shown only if npm fails. Under `npm test` it
 * runs npm's own script, as scripts/lib.mjs does.
 */
export function npm(args, cwd) {
  const script = process.env.npm_execpath;
  const [program, ...first] = script ? [process.execPath, script] : ['npm'];
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const result = spawnSync(program, [...first, ...args], { cwd, env, encoding: 'utf8' });
  if (result.status === 0) return result.stdout;
  throw new StepError(
    `\`npm ${args.join(' ')}\` failed in ${cwd}:\n${result.stdout}${result.stderr}${result.error?.message ?? ''}`,
  );
}
