// Checks that Rust and TypeScript agree on error codes, on the names in all that they exchange, and
// on how large photos may be.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CODES } from '../dist/common/errors.js';
import { MAX_PIXELS } from '../dist/photo/canvas-pixels.js';
import { MAX_PIXELS as MAX_MASK } from '../dist/results/runs.js';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/**
 * Gives what is between the braces after `beginning` (and perhaps a type parameter), without
 * comments.
 */
function body(text, beginning) {
  const [found] = new RegExp(`${beginning}(<[^{]*>)? \\{`).exec(text) ?? [];
  assert.ok(found, beginning);
  const begin = text.indexOf(found);
  return text
    .slice(begin + found.length, text.indexOf('\n}', begin))
    .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
}

const camelCase = (name) =>
  name.replace('r#', '').replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase());
const find = (text, pattern) => Array.from(text.matchAll(pattern), ([, name]) => name).sort();
const fieldsOfRust = (file, name) =>
  find(body(read(file), `pub struct ${name}`), /^ {4}pub ([\w#]+):/gm)
    .map(camelCase)
    .sort();
const variantsOfRust = (file, name) =>
  find(body(read(file), `pub enum ${name}`), /^ {4}(\w+)/gm).map((variant) =>
    variant.toLowerCase(),
  );
const fieldsOf = (file, name) =>
  find(body(read(file), `export interface ${name}`), /^ {2}(\w+)\??:/gm);

const REQUEST = 'src/segmenter/request.rs';
const TYPES = 'pkg/src/common/types.ts';
const PROTOCOL = 'pkg/src/engine/protocol.ts';

/** Gives the text of a type that is not an interface. */
function typeOf(name) {
  const [, text] = read(TYPES).split(`export type ${name} =`);
  return text.slice(0, text.indexOf(';\n\n'));
}

test('error codes are the same', () => {
  const rust = find(read('src/error.rs'), /^ {12}Error::\w+.* => "([\w-]+)",$/gm);
  assert.ok(rust.length > 10);
  assert.deepEqual([...rust, 'unsupported-environment', 'closed'].sort(), [...CODES].sort());
});

test('the guide has each error code', () => {
  const [, table] = read('docs/guide.md').split('\n## Errors\n');
  assert.deepEqual(
    find(table.slice(0, table.indexOf('\n## ')), /^\| `([\w-]+)` \|/gm),
    [...CODES].sort(),
  );
});

for (const [rust, file, ts, place] of [
  ['Request', REQUEST, 'SegmentRequest', PROTOCOL],
  ['PointPrompt', REQUEST, 'PointPrompt', TYPES],
  ['GridOptions', REQUEST, 'GridOptions', TYPES],
  ['MaskLogits', 'src/segmenter/previous.rs', 'MaskLogits', TYPES],
  ['CandidateMask', 'src/segmenter/points.rs', 'Candidate', TYPES],
  ['Adapter', 'src/segmenter/device.rs', 'EngineInfo', PROTOCOL],
  ['Mask', 'src/levels/scene.rs', 'Mask', TYPES],
  ['Scene', 'src/levels/scene.rs', 'Scene', TYPES],
  ['Rle', 'src/mask/rle.rs', 'Rle', TYPES],
]) {
  test(`the fields of ${ts} are the same`, () => {
    const names = fieldsOfRust(file, rust);
    assert.ok(names.length > 1);
    assert.deepEqual(fieldsOf(place, ts), names);
  });
}

test('the kinds of prompts, modes and levels are the same', () => {
  assert.deepEqual(
    find(typeOf('Prompt'), /kind: '(\w+)'/g),
    variantsOfRust(REQUEST, 'Prompt').sort(),
  );
  assert.deepEqual(find(typeOf('Mode'), /'(\w+)'/g), variantsOfRust(REQUEST, 'Mode').sort());
  assert.deepEqual(
    find(typeOf('Level'), /'(\w+)'/g),
    variantsOfRust('src/level.rs', 'Level').sort(),
  );
});

test('the limits for the size of photos are the same', () => {
  const [, megapixels] =
    /const MEGAPIXEL_LIMIT: u32 = (\d+);/.exec(read('src/photo/decode.rs')) ?? [];
  assert.equal(MAX_PIXELS, megapixels * 1e6);
  assert.equal(MAX_MASK, MAX_PIXELS, 'masks of the largest photo are read');
  assert.match(
    read('docs/guide.md'),
    new RegExp(`^\\| \`image-too-large\` \\| more than ${megapixels} megapixels`, 'm'),
  );
});
