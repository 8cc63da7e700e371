// Writes ../data/scenes.jsonl, photos and scenes as `aims-web segment` writes them, and ../data/scenes_coco.json, what the npm package's
// scenesToCoco makes of them. Masks are those of ../data/coco_pycocotools.json.
// Usage: npm run build, then node tests/golden/make_scenes_coco.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { scenesToCoco } from '../../pkg/dist/index.js';

const file = (name) => new URL(`../data/${name}`, import.meta.url);
const cases = JSON.parse(readFileSync(file('coco_pycocotools.json'), 'utf8'));

function photo(name, caseName, ...masks) {
  const { area, bbox, rle } = cases.find((one) => one.name === caseName);
  const [height, width] = rle.size;
  const whole = masks.map(({ id, level, score, parent = null, members = [] }) => ({ id, level, score, area, bbox, rle, parent, members }));
  return { photo: name, width, height, masks: whole };
}

const photos = [
  photo(
    'photos/a.jpg',
    'blobs with holes',
    { id: 1, level: 'entity', score: 0.875 },
    { id: 2, level: 'entity', score: 0.61 },
    { id: 3, level: 'part', score: 0.3, parent: 2 },
    { id: 4, level: 'relation', score: 0.1234567, members: [1, 2] },
  ),
  photo('photos/empty.png', 'blob'),
  // Some masks that are linked to are not in the scene.
  photo(
    'photos/sub folder/ä "b".webp',
    'wide',
    { id: 7, level: 'part', score: 0.5, parent: 9 },
    { id: 2, level: 'relation', score: 0.25, members: [9, 5] },
    { id: 5, level: 'entity', score: 0.7 },
  ),
];
writeFileSync(file('scenes.jsonl'), photos.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
const dataset = scenesToCoco(photos.map(({ photo: fileName, ...scene }) => ({ scene, fileName })));
writeFileSync(file('scenes_coco.json'), `${JSON.stringify(dataset)}\n`);
