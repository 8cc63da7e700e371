// Draws the outlines of the things in a photo. A click fills the thing that is meant.
import { maskToPath2D, Segmenter } from 'aims-web';

const input = document.querySelector('input');
const canvas = document.querySelector('canvas');
const context = canvas.getContext('2d');
const say = (text) => (document.querySelector('#status').textContent = text);
let segmenter, photo, image;

input.onchange = attempt(async () => {
  // One segmenter serves all photos.
  segmenter ??= await Segmenter.create({
    assets: 'aims-web/', // the copy of the package's folder, next to the page
    onProgress: ({ fraction }) => say(`Loading the model: ${Math.round(100 * fraction)} %`),
  });
  image?.close();
  const [file] = input.files;
  [photo, image] = await Promise.all([createImageBitmap(file), segmenter.setImage(file)]);
  [canvas.width, canvas.height, canvas.hidden] = [image.width, image.height, false];
  const scene = await image.segment();
  show(scene, (path) => context.stroke(path));
});

canvas.onclick = attempt(async ({ offsetX: x, offsetY: y }) => {
  const scene = await image.segment({ prompt: { kind: 'points', points: [{ x, y, label: 1 }] } });
  show(scene, (path) => context.fill(path));
});

function show(scene, paint) {
  context.drawImage(photo, 0, 0);
  [context.strokeStyle, context.lineWidth, context.fillStyle] = ['gold', 2, 'rgb(255 215 0 / 0.6)'];
  const entities = scene.masks.filter(({ level }) => level === 'entity');
  for (const mask of entities) paint(maskToPath2D(mask));
  document.querySelector('pre').textContent = JSON.stringify(scene, null, 1);
  say(`Entities: ${entities.length}. Click one.`);
}

/** Makes a handler that does one thing at a time and shows what went wrong. */
function attempt(work) {
  return async (event) => {
    document.body.inert = true;
    await work(event).catch((error) => say(`Failed: ${error.message}`));
    document.body.inert = false;
  };
}
