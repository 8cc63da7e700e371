// Tests logits on the way between callers, who have floats, and the program, which has bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromProgram, toProgram } from '../dist/engine/logit-bytes.js';

const values = Float32Array.of(-32, 0, 0.5, 1e-30, Infinity, 7);

test('logits are the same after the way to the program and back', () => {
  // This is a view into a larger buffer, as a caller may have.
  const view = new Float32Array([9, ...values, 9]).subarray(1, 7);
  const prompt = {
    kind: 'points',
    points: [{ x: 1, y: 2, label: 1 }],
    previous: { columns: 3, rows: 2, values: view },
  };
  const given = toProgram(prompt);
  assert.deepEqual({ ...given, previous: undefined }, { ...prompt, previous: undefined });
  assert.equal(given.previous.values.byteLength, 24);
  const { logits, score } = fromProgram({
    score: 0.5,
    logits: { ...given.previous, values: given.previous.values.slice() },
  });
  assert.equal(score, 0.5);
  assert.deepEqual(logits, { columns: 3, rows: 2, values });
});

test('prompts without logits stay as they are', () => {
  for (const prompt of [
    undefined,
    { kind: 'full' },
    { points: [] },
    { kind: 'points', points: [], previous: undefined },
  ]) {
    assert.equal(toProgram(prompt), prompt);
  }
});

test('logits that are not a Float32Array are an error', () => {
  for (const wrong of [[...values], Float64Array.from(values), undefined]) {
    assert.throws(
      () => toProgram({ points: [], previous: { columns: 3, rows: 2, values: wrong } }),
      { code: 'invalid-prompt' },
    );
  }
  assert.throws(() => toProgram({ points: [], previous: 7 }), { code: 'invalid-prompt' });
  assert.throws(() => toProgram({ points: [], previous: null }), { code: 'invalid-prompt' });
});
