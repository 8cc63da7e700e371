import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { latest, SegmenterError } from '../dist/index.js';

/** Makes a function whose calls are answered by hand, and lists the calls. */
function byHand() {
  const calls = [];
  const ask = latest(
    (input, { signal }) =>
      new Promise((resolve, reject) => {
        calls.push({ input, signal, resolve, reject });
      }),
  );
  return { ask, calls };
}

const isAborted = (error) =>
  error instanceof SegmenterError && error.code === 'aborted' && error.name === 'AbortError';
const tick = () => new Promise((resolve) => setTimeout(resolve));

test('a newer call aborts the one before, and the answer to that one is dropped', async () => {
  const { ask, calls } = byHand();
  const settled = [];
  const first = ask('a').catch((error) => settled.push(['a', isAborted(error)]));
  const second = ask('b').catch((error) => settled.push(['b', isAborted(error)]));
  const third = ask('c').then((answer) => settled.push(['c', answer]));
  assert.deepEqual(
    calls.map(({ input, signal }) => [input, signal.aborted]),
    [
      ['a', true],
      ['b', true],
      ['c', false],
    ],
  );
  assert.ok(calls.slice(0, 2).every(({ signal }) => isAborted(signal.reason)));
  // They reject at once, although the function ignores its signal.
  await Promise.all([first, second]);
  calls[0].resolve('late');
  calls[2].resolve('in time');
  calls[1].reject(new Error('later still'));
  await third;
  await tick();
  assert.deepEqual(settled, [
    ['a', true],
    ['b', true],
    ['c', 'in time'],
  ]);
});

test('calls that do not overlap all get their answers', async () => {
  const { ask, calls } = byHand();
  for (const input of [1, 2, 3]) {
    const answer = ask(input);
    calls.at(-1).resolve(input * 10);
    assert.equal(await answer, input * 10);
  }
  assert.ok(calls.every(({ signal }) => !signal.aborted));
});

test('errors of the newest call are passed on unchanged', async () => {
  const { ask, calls } = byHand();
  const [late, thrown] = [new RangeError('later'), new RangeError('at once')];
  const answer = ask(1);
  calls[0].reject(late);
  await assert.rejects(answer, (error) => error === late);
  const throws = latest(() => {
    throw thrown;
  });
  await assert.rejects(throws(1), (error) => error === thrown);
  await assert.rejects(throws(2), (error) => error === thrown);
  assert.throws(() => latest(undefined), TypeError);
});

test('a signal of the caller aborts only its own call', async () => {
  const { ask, calls } = byHand();
  const [mine, other] = [new AbortController(), new AbortController()];
  const first = ask(1, { signal: mine.signal });
  const why = new Error('no longer wanted');
  mine.abort(why);
  await assert.rejects(first, (error) => isAborted(error) && error.cause === why);
  assert.ok(calls[0].signal.aborted);
  const second = ask(2, { signal: other.signal });
  // A call that is aborted already does not begin, and replaces no other call.
  await assert.rejects(ask(3, { signal: mine.signal }), isAborted);
  assert.deepEqual(
    calls.map(({ input }) => input),
    [1, 2],
  );
  calls[1].resolve('second');
  assert.equal(await second, 'second');
  other.abort();
  assert.ok(!calls[1].signal.aborted);
});

test('no listener stays on the caller’s signal, however its calls end', async () => {
  const { ask, calls } = byHand();
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const replaced = ask(1, { signal });
  assert.equal(listeners(), 1);
  const failed = ask(2, { signal });
  assert.equal(listeners(), 1);
  calls[1].reject(new Error('failed'));
  await assert.rejects(replaced, isAborted);
  await assert.rejects(failed, /failed/);
  assert.equal(listeners(), 0);
  const answered = ask(3, { signal });
  calls[2].resolve('fine');
  assert.equal(await answered, 'fine');
  assert.equal(listeners(), 0);
});

test('no rejection is unhandled, and a call from inside the function replaces the outer one', async () => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const again = latest(async (input, { signal }) => {
    if (input > 0) return again(input - 1);
    await tick();
    signal.throwIfAborted();
    return 'innermost';
  });
  const [first, second] = [again(0), again(2)];
  await assert.rejects(first, isAborted);
  await assert.rejects(second, isAborted);
  const heeds = latest(
    (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  const answers = [heeds(1), heeds(2)];
  await assert.rejects(answers[0], isAborted);
  await tick();
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
});
