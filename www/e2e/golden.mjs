// Writes tests/golden/demo-*.json, which have what the native program finds for the cases of the
// end-to-end test, and bundlers.json, which has the scene that the pages of the bundlers show.
// Usage: npm run golden -w www (builds the program; takes minutes)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeRle } from 'aims-web';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function segment({ photo, model, size, mode, points }, prompt) {
  const out = mkdtempSync(join(tmpdir(), 'aims-golden-'));
  const file = join('www', 'public', 'samples', `${photo}.jpg`);
  const options = [
    '--device',
    'cpu',
    ...(model ? ['--model', model] : []),
    ...(size ? ['--input-size', size] : []),
    ...(mode === 'learned' ? [] : ['--mode', 'grid', '--points-per-side', points]),
    '--prompt',
    JSON.stringify(prompt),
    '--out',
    out,
  ];
  execFileSync(
    'cargo',
    ['run', '--release', '--locked', '--quiet', '--', 'segment', file, ...options.map(String)],
    { cwd: ROOT, stdio: 'inherit' },
  );
  const { photo: _, ...scene } = JSON.parse(readFileSync(join(out, 'scenes.jsonl'), 'utf8'));
  rmSync(out, { recursive: true });
  return scene;
}

/** Gives the smallest entity at a point. A click there means this one. */
function entityAt(scene, [x, y]) {
  const found = scene.masks
    .filter((mask) => mask.level === 'entity' && decodeRle(mask.rle)[y * scene.width + x] === 1)
    .sort((a, b) => a.area - b.area)[0];
  if (!found) throw new Error(`There is no entity at ${x}, ${y}; change the point in cases.json.`);
  return found.rle;
}

function write(name, golden) {
  const path = join(ROOT, 'tests', 'golden', `${name}.json`);
  writeFileSync(path, `${JSON.stringify(golden)}\n`);
  console.log(
    path,
    Object.entries(golden)
      .map(([name, { masks }]) => `${name}: ${masks.length} masks`)
      .join(', '),
  );
}

// The pages keep the default model and input size.
write('bundlers', { full: segment({ photo: 'astronaut', mode: 'learned' }, { kind: 'full' }) });

for (const testCase of JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8'))) {
  const full = segment(testCase, { kind: 'full' });
  const [first, second] = [entityAt(full, testCase.entity), entityAt(full, testCase.second)];
  write(`demo-${testCase.name}`, {
    full,
    entity: segment(testCase, { kind: 'entity', mask: first }),
    entities: segment(testCase, { kind: 'entities', masks: [first, second] }),
    box: segment(testCase, { kind: 'box', box: testCase.box }),
  });
}
