// npm run subject: measures how often `subjectOf` is right, on labelled photos of ../shared/data
// whose subject is known. It takes ten minutes on two cores. `--limit N` uses N photos of each set.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, npm, ROOT, run, say, TARGET } from './lib.mjs';
import { needPackages } from './needs.mjs';

const DATA = join(ROOT, '..', 'shared', 'data');
const SETS = ['ccp', 'faces', 'balloon', 'horses'];
/** The subject counts as found if its IoU with the largest labelled entity is at least this. */
const FOUND = 0.5;

function records(set, limit) {
  const lines = readFileSync(join(DATA, `${set}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ split }) => split === 'val')
    .slice(0, limit);
}

/** Returns the scenes of the photos, in the same order. */
function scenesOf(photos, out) {
  const names = photos.map((photo) => photo.replaceAll('\\', '/'));
  run(join(TARGET, 'release', 'aims-web'), ['segment', ...names, '--device', 'cpu', '--out', out]);
  const lines = readFileSync(join(out, 'scenes.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const byName = new Map(lines.map(({ photo, ...scene }) => [photo, scene]));
  return names.map((name) => byName.get(name));
}

/** Writes a share in percent with Wilson's 95 % interval, and the count. */
function share(hits, count) {
  const [z, p] = [1.96, hits / count];
  const middle = (p + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half =
    (z / (1 + (z * z) / count)) * Math.sqrt((p * (1 - p)) / count + (z * z) / (4 * count * count));
  const percent = (value) => (100 * value).toFixed(0);
  return `${percent(p)} [${percent(middle - half)}, ${percent(middle + half)}] ${count}`;
}

main(async () => {
  const { limit = '1000' } = parseArgs({ options: { limit: { type: 'string' } } }).values;
  run('cargo', ['build', '--release', '--locked', '--quiet', '--bin', 'aims-web']);
  needPackages();
  npm(['exec', '-w', 'pkg', '--', 'tsc']);
  const { decodeRle, intersectMasks, subjectOf } = await import('aims-web');
  const areaOf = (rle) => decodeRle(rle).reduce((sum, pixel) => sum + pixel, 0);
  const folder = mkdtempSync(join(tmpdir(), 'aims-subject-'));
  const rows = ['| set | right | mean IoU |', '|---|---:|---:|'];
  try {
    for (const set of SETS) {
      say(set);
      spawnSync('tar', ['-xf', join(DATA, `${set}.tar`), '-C', folder]);
      const labelled = records(set, Number(limit));
      const scenes = scenesOf(
        labelled.map(({ image }) => join(folder, image)),
        join(folder, 'out', set),
      );
      const ious = labelled.map(({ masks }, index) => {
        const entities = masks
          .filter(({ level }) => level === 'entity')
          .map(({ rle }) => ({ rle, area: areaOf(rle) }));
        const subject = entities.sort((a, b) => b.area - a.area)[0];
        const found = subjectOf(scenes[index]);
        if (!found) return 0;
        const both = areaOf(intersectMasks(found.rle, subject.rle));
        return both / (found.area + subject.area - both);
      });
      const mean = ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
      rows.push(
        `| ${set} | ${share(ious.filter((iou) => iou >= FOUND).length, ious.length)} | ${mean.toFixed(2)} |`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`\n${rows.join('\n')}`);
});
