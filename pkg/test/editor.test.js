// Tests the example of a tool for editors: which pixel it takes for a click, and what it does after
// a failure.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Segmenter } from 'aims-web';
import { clickSelect } from '../../examples/editor-plugin/click-select.js';
import { textMask } from '../testing/masks.js';
import { tick } from '../testing/worker.js';

const MASK = textMask('.##.', '.##.');
globalThis.Path2D = class {
  moveTo() {}
  lineTo() {}
  closePath() {}
};
globalThis.getComputedStyle = ({ padding }) => ({
  paddingLeft: `${padding}px`,
  paddingTop: `${padding}px`,
  paddingRight: `${padding}px`,
  paddingBottom: `${padding}px`,
});

let asked;
let failures;
let closed;
beforeEach(() => {
  [asked, failures, closed] = [[], [], 0];
  Segmenter.create = async () => ({
    setImage: async () => {
      const failure = failures.shift();
      if (failure) throw failure;
      return {
        segment: async ({ prompt }) => asked.push(prompt.points) && { masks: [MASK] },
        close: () => closed++,
      };
    },
    close() {},
  });
});

/**
 * Makes the tool on a canvas of 400 x 200 pixels that is shown at this size. `heard` has what the
 * tool calls back with.
 */
async function toolOn(clientWidth, clientHeight, padding = 0) {
  const canvas = Object.assign(new EventTarget(), {
    width: 400,
    height: 200,
    clientWidth,
    clientHeight,
    padding,
  });
  const heard = [];
  const tool = await clickSelect(canvas, {
    onSelect: ({ mask }) => heard.push(mask.id),
    onError: ({ message }) => heard.push(message),
  });
  const click = async (offsetX, offsetY, keys = {}) => {
    canvas.dispatchEvent(
      Object.assign(new Event('click'), {
        offsetX,
        offsetY,
        shiftKey: false,
        altKey: false,
        ...keys,
      }),
    );
    await tick();
  };
  return { tool, click, heard };
}

test('a click means a pixel of the canvas, whatever size the canvas is shown at', async () => {
  for (const [clientWidth, clientHeight, padding, offset] of [
    [400, 200, 0, [300, 50]],
    [200, 100, 0, [150, 25]],
    [800, 100, 0, [600, 25]],
    [220, 120, 10, [160, 35]],
  ]) {
    const { click } = await toolOn(clientWidth, clientHeight, padding);
    await click(...offset);
    assert.deepEqual(asked.pop(), [{ x: 300, y: 50, label: 1 }]);
  }
});

test('a click next to the photo is ignored', async () => {
  const { click, heard } = await toolOn(220, 120, 10);
  for (const offset of [
    [5, 60],
    [100, 5],
    [215, 60],
    [100, 115],
  ])
    await click(...offset);
  assert.deepEqual(asked, []);
  assert.deepEqual(heard, []);
});

test('if an image fails, the next click tries again', async () => {
  const { click, heard } = await toolOn(400, 200);
  failures.push(new Error('tainted'));
  await click(1, 2);
  await click(3, 4);
  assert.deepEqual(heard, ['tainted', MASK.id]);
  assert.deepEqual(asked, [[{ x: 3, y: 4, label: 1 }]]);
});

test('clicks with Shift and Alt change the selection until the document changes', async () => {
  const { tool, click } = await toolOn(400, 200);
  await click(1, 2);
  await click(3, 4, { shiftKey: true });
  await click(5, 6, { altKey: true });
  assert.deepEqual(
    asked.at(-1).map(({ x, label }) => [x, label]),
    [
      [1, 1],
      [3, 1],
      [5, 0],
    ],
  );
  tool.changed();
  await tick();
  assert.equal(closed, 1);
  await click(7, 8, { shiftKey: true });
  assert.deepEqual(asked.at(-1), [{ x: 7, y: 8, label: 1 }]);
});
