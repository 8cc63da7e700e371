// Packs the npm package and installs it into copies of the examples, outside the checkout and its workspaces.
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

// Packages stay between runs: only what changed is installed anew.
const CACHE = join(homedir(), '.cache', 'aims-web', 'bundlers');
const KEPT = ['node_modules', 'package-lock.json'];

/** What `npm pack` makes of pkg/. Its name tells its contents, as npm takes files of one name to be the same. */
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

/** A fresh copy of an example with the packed package in it, and what it depends on; of some packages in other `versions`. */
export function install(name, tarball, { example = name, versions = {} }) {
  const folder = join(CACHE, name);
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(folder))
    if (!KEPT.includes(entry)) rmSync(join(folder, entry), { recursive: true });
  // Not what was made by trying the example in its place.
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

  // As the tarball's folder is another one each time, its name counts.
  const wanted = text.replace(/file:.*[\\/]/, '');
  const stamp = join(folder, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder;
  rmSync(stamp, { force: true });
  npm(['install', '--no-audit', '--no-fund'], folder);
  writeFileSync(stamp, wanted);
  return folder;
}

/** Standard output of npm, which is shown only when it fails. Under `npm test`, npm's own script is run, as scripts/lib.mjs does. */
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
