// A minimal editor. It opens photos and copies what is selected to a second canvas.
import { clickSelect } from './click-select.js';

const [input, pre] = ['input', 'pre'].map((name) => document.querySelector(name));
const [canvas, lifted] = document.querySelectorAll('canvas');
const say = (text) => (document.querySelector('#status').textContent = text);
const fail = (error) => say(`Failed: ${error.message}`);
let tool;

input.onchange = async () => {
  try {
    const photo = await createImageBitmap(input.files[0]);
    for (const layer of [canvas, lifted]) [layer.width, layer.height] = [photo.width, photo.height];
    canvas.getContext('2d').drawImage(photo, 0, 0);
    tool ??= await clickSelect(canvas, { onSelect, onError: fail });
    tool.changed();
    canvas.hidden = false;
    say('Click a thing to select it.');
  } catch (error) {
    fail(error);
  }
};

function onSelect({ mask, path, alpha }) {
  const pixels = canvas.getContext('2d').getImageData(0, 0, alpha.width, alpha.height);
  alpha.data.forEach((value, index) => (pixels.data[4 * index + 3] = value));
  const context = lifted.getContext('2d');
  context.putImageData(pixels, 0, 0);
  context.stroke(path);
  lifted.hidden = false;
  pre.textContent = JSON.stringify(mask, null, 1);
  say(`${mask.area} pixels are selected. Click with Shift to add, with Alt to remove.`);
}
