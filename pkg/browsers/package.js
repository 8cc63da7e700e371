// What the tests share: the built package, a photo, and segmenters that are created quickly.
import { expect } from '/node_modules/chai/index.js';
import * as aims from '../dist/index.js';

export * from '../dist/index.js';
export { expect };

export const TINY = new URL('../models/aims-tiny-q4.safetensors', import.meta.url).href;
/** A photo of 451 x 300 pixels. It shows a cat, whose nose is in the middle. */
export const photo = await fetchBlob('/www/public/samples/chelsea.jpg');
/** A box around the cat. It gives a mask at any input size. */
export const BOX = { kind: 'points', box: [100, 20, 280, 260] };
/** The cat's nose. */
export const POINT = { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] };

export async function fetchBlob(address) {
  return (await fetch(address)).blob();
}

export async function fetchJson(address) {
  return (await fetch(address)).json();
}

/**
 * Creates a segmenter with the small model at the smallest input size. Masks are rough, but the
 * tests are quick in slow browsers too.
 */
export const create = (options) =>
  aims.Segmenter.create({ device: 'cpu', model: TINY, inputSize: 64, ...options });

/** Gives what a call fails with: the code of a SegmenterError, or the name of another error. */
export async function failure(call) {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    if (!(error instanceof aims.SegmenterError)) return error.name;
    expect(error.name).to.equal(error.code === 'aborted' ? 'AbortError' : 'SegmenterError');
    return error.code;
  }
  return 'no error';
}

/**
 * Skips a test that this browser cannot run, and gives the reason. In a hook it skips all tests of
 * its block.
 */
export function skip(context, reason) {
  const runnable = context.runnable();
  (runnable.type === 'hook' ? runnable.parent : runnable).skipReason = reason;
  context.skip();
}

/** Makes the server send scripts with the header Cross-Origin-Embedder-Policy, or without it. */
export const embed = (isEmbedded) =>
  fetch('/test/embed', { method: 'POST', body: JSON.stringify(isEmbedded) });

/**
 * Makes the server answer requests with 503 if their address ends like this. '' matches all
 * addresses, and null matches none.
 */
export const refuse = (ending) =>
  fetch('/test/refuse', { method: 'POST', body: JSON.stringify(ending) });

/**
 * Reports progress to the server. It is an `onProgress` for calls that may take longer than the
 * server waits for a report.
 */
export const tellProgress = ({ stage, fraction }) =>
  fetch('/test/report', {
    method: 'POST',
    body: JSON.stringify({ kind: 'progress', title: `${stage} ${fraction}` }),
  });

/** Prints something that a test has measured. */
export const note = (title) =>
  fetch('/test/report', { method: 'POST', body: JSON.stringify({ kind: 'note', title }) });

/** Counts the requests that the server has had for addresses that end like this. */
export const countRequests = async (ending) =>
  (await fetchJson('/test/requests')).filter((path) => path.endsWith(ending)).length;

/** Decodes base64, which the server uses for small files. */
export const bytesOf = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
