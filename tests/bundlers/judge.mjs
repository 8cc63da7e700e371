// Uses an example's page as a person does, and compares what it finds with what the native program
// found.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRle } from 'aims-web';
import { MIN_SCORES, missing, sure } from '../../pkg/testing/scenes.js';
import { ROOT, StepError } from '../../scripts/lib.mjs';

const PHOTO = join(ROOT, 'www', 'public', 'samples', 'astronaut.jpg');
const GOLDEN = JSON.parse(
  readFileSync(join(ROOT, 'tests', 'golden', 'bundlers.json'), 'utf8'),
).full;
const MIN_SCORE = MIN_SCORES.learned.entity;
/**
 * This point is on the suit. A click there means the astronaut. The level decoders find the
 * astronaut too, so the masks of two networks must agree.
 */
const POINT = { x: 225, y: 400 };
const ASTRONAUT = sure(GOLDEN, 'entity', MIN_SCORE).find(
  ({ rle }) => decodeRle(rle)[POINT.y * GOLDEN.width + POINT.x] === 1,
);
const MIN_IOU = 0.9;

/** Tests a page that first shows the whole scene, and its JSON. */
export async function judgeScene(page) {
  const full = await result(page, () => choosePhoto(page));
  const lacking = missing(GOLDEN, full, 'entity', MIN_SCORE, MIN_IOU);
  if (lacking.length > 0)
    throw new StepError(
      `These entities of the golden scene were not found: ${lacking.join('; ')}.`,
    );
  const { masks } = await result(page, () => page.locator('canvas').click({ position: POINT }));
  if (masks.length !== 1) throw new StepError(`A click gave ${masks.length} masks, not one.`);
  expectAstronaut(decodeRle(masks[0].rle), 'The mask of a click');
}

/**
 * Tests the editor. Its plug-in gives a selection, with which the page copies pixels to another
 * canvas.
 */
export async function judgeEditor(page) {
  await choosePhoto(page);
  const { rle } = await result(page, () =>
    page.locator('canvas').first().click({ position: POINT }),
  );
  expectAstronaut(decodeRle(rle), 'The selection');
  const alpha = await page
    .locator('canvas')
    .last()
    .evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return Array.from({ length: data.length / 4 }, (_, index) => data[4 * index + 3]);
    });
  expectAstronaut(
    Uint8Array.from(alpha, (value) => value >> 7),
    'What was copied',
  );
}

/**
 * Runs `judge` on a page. Nothing may be reported in the console, and no other server may be
 * contacted.
 */
export async function inPage(browser, url, judge) {
  // The page's content must be there even if no script runs, also if a server renders the page.
  const html = await (await fetch(url)).text();
  if (!html.includes('Choose a photo.'))
    throw new StepError(`The server's page does not show the example: ${html.slice(0, 1000)}`);
  const context = await browser.newContext();
  // Nothing here measures time. Machines may be busy, and a development server compiles at the
  // first visit.
  context.setDefaultTimeout(5 * 60_000);
  const complaints = [];
  const { origin } = new URL(url);
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== origin && !request.url().startsWith('data:'))
      complaints.push(`request to ${request.url()}`);
  });
  context.on('console', (message) => {
    const { url } = message.location();
    // Browsers request an icon by themselves.
    if (message.type() === 'error' && !url.endsWith('/favicon.ico'))
      complaints.push(`console: ${message.text()} (${url})`);
  });
  context.on('weberror', (error) => complaints.push(`page: ${error.error().stack}`));
  try {
    const page = await context.newPage();
    await page.goto(url);
    await judge(page);
  } catch (error) {
    throw new StepError([error.message, ...complaints].join('\n'));
  } finally {
    await context.close();
  }
  if (complaints.length > 0) throw new StepError(complaints.join('\n'));
}

/** Chooses the photo. A page that a server has rendered is inert until its script runs. */
const choosePhoto = (page) => page.locator(':not([inert]) > input').setInputFiles(PHOTO);

/** Gives the JSON that a page shows after `action`. Throws if the page shows an error. */
async function result(page, action) {
  const before = await page.locator('pre').textContent();
  await action();
  const state = await page.waitForFunction((before) => {
    const [json, status] = ['pre', '#status'].map(
      (name) => document.querySelector(name).textContent,
    );
    if (status.startsWith('Failed')) return { status };
    return json !== before && { json };
  }, before);
  const { json, status } = await state.jsonValue();
  if (json === undefined) throw new StepError(`The page shows: ${status}`);
  return JSON.parse(json);
}

function expectAstronaut(pixels, what) {
  const found = iou(pixels, decodeRle(ASTRONAUT.rle));
  if (!(found >= MIN_IOU))
    throw new StepError(`${what} is not the astronaut: IoU ${found.toFixed(3)}.`);
}

function iou(a, b) {
  let [both, either] = [0, 0];
  a.forEach((inside, index) => {
    both += inside & b[index];
    either += inside | b[index];
  });
  return both / either;
}
