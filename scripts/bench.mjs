// npm run bench: measures times, sizes and memory for one photo, natively and in Chromium, and
// prints them as the table in docs/performance.md. Then it compares the package with
// onnxruntime-web. A software WebGPU adapter always gets a smaller input and fewer points.
// To run a part of it: npm run bench -- --only native,cpu,webgpu,peers
// `--size 512 --points 4` chooses another input size and grid, from those that the page bench.html
// offers.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { comparePeers } from './bench-peers.mjs';
import { hasHardware, launch } from './browser.mjs';
import { buildSite, viteScript, WWW } from './build.mjs';
import { HARDWARE, SOFTWARE } from './chromium-flags.mjs';
import { main, ROOT, run, StepError, say, TARGET } from './lib.mjs';

const { only, profile, repeats, size, points } = parseArgs({
  options: {
    only: { type: 'string', default: 'native,cpu,webgpu,peers' },
    profile: { type: 'string', default: 'wasm-release' },
    repeats: { type: 'string', default: '3' },
    size: { type: 'string', default: '1024' },
    points: { type: 'string', default: '16' },
  },
}).values;

const PORT = 4189;
const PHOTO = 'www/public/samples/astronaut.jpg';

function native({ size, points }) {
  run('cargo', ['build', '--release', '--locked', '--quiet', '--bin', 'aims-web']);
  const args = [
    'bench',
    PHOTO,
    '--device',
    'cpu',
    '--input-size',
    size,
    '--points-per-side',
    points,
    '--repeats',
    repeats,
  ];
  const result = spawnSync(join(TARGET, 'release', 'aims-web'), args, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new StepError(`The native benchmark failed: ${result.stderr}`);
  const { peakMemory, ...report } = JSON.parse(result.stdout);
  return { ...report, memory: peakMemory && `${megabytes(peakMemory)} process` };
}

/** Returns the peak resident memory of the browser's tab and of its GPU process. */
async function memoryOf(browser) {
  if (process.platform !== 'linux') return undefined;
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peak = (type) =>
    Math.max(
      ...processInfo
        .filter((process) => process.type === type)
        .map(({ id }) =>
          Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0),
        ),
    );
  return `${megabytes(peak('renderer') * 1024)} tab, ${megabytes(peak('GPU') * 1024)} GPU process`;
}

async function inBrowser(device, args, { size, points }) {
  const browser = await launch(args);
  try {
    const page = await browser.newPage();
    await page.goto(
      `http://localhost:${PORT}/bench.html?${new URLSearchParams({ run: '', device, size, points, repeats })}`,
    );
    await page.waitForFunction(() => document.body.dataset.state !== 'running', undefined, {
      timeout: 0,
    });
    const [report, status] = await page.evaluate(() => [
      document.body.dataset.report,
      document.querySelector('#status').textContent,
    ]);
    if (!report) throw new StepError(`The benchmark on ${device} failed: ${status}`);
    return { ...JSON.parse(report), memory: await memoryOf(browser) };
  } finally {
    await browser.close();
  }
}

async function served(body) {
  const server = spawn(
    process.execPath,
    [viteScript(), 'preview', '--port', String(PORT), '--strictPort'],
    { cwd: WWW, stdio: 'ignore' },
  );
  try {
    for (let i = 0; ; i++) {
      if (
        await fetch(`http://localhost:${PORT}/bench.html`).then(
          (response) => response.ok,
          () => false,
        )
      )
        break;
      if (i === 100 || server.exitCode !== null)
        throw new StepError(
          `The demo could not be served on port ${PORT}. Free that port and run this again.`,
        );
      await new Promise((done) => setTimeout(done, 100));
    }
    return await body();
  } finally {
    server.kill();
  }
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
/** Natively, `aims-web mattes --times` measures edges. */
const edge = (ms) => (ms === undefined ? '-' : seconds(ms));
const seconds = (ms) => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);

main(async () => {
  buildSite(profile);
  const wanted = only.split(',');
  const usual = { size, points };
  const small = { size: '512', points: '4' };
  const columns = [];
  const column = async (title, settings, measure) => {
    say(`${title}: input ${settings.size}, ${settings.points} x ${settings.points} points`);
    columns.push({ title, ...settings, ...(await measure(settings)) });
  };
  if (wanted.includes('native')) {
    await column('native CPU', usual, native);
    if (wanted.includes('webgpu')) await column('native CPU', small, native); // for the comparison
  }
  await served(async () => {
    if (wanted.includes('cpu'))
      await column('Chromium CPU', usual, (settings) => inBrowser('cpu', [], settings));
    if (!wanted.includes('webgpu')) return;
    const hardware = await hasHardware();
    const measure = (settings) => inBrowser('webgpu', hardware ? HARDWARE : SOFTWARE, settings);
    await column('Chromium WebGPU', hardware ? usual : small, measure);
  });

  if (columns.length > 0) show(columns);
  if (wanted.includes('peers'))
    await comparePeers({
      families: ['aims-tiny', 'aims-base'],
      devices: ['cpu', 'webgpu'],
      profile,
      repeats: Number(repeats),
    });
});

function show(columns) {
  const rows = [
    ['adapter', ({ adapter }) => adapter],
    ['input, points a side', ({ size, points }) => `${size}, ${points}`],
    ['load device and model', ({ load }) => seconds(load)],
    ['encoder, first photo', ({ firstImage }) => seconds(firstImage)],
    ['encoder', ({ image }) => seconds(image)],
    ['one point prompt', ({ prompt }) => seconds(prompt)],
    ['full image, three levels', ({ learned }) => seconds(learned)],
    ['the same, mode grid', ({ grid }) => seconds(grid)],
    ['learned / grid', ({ learned, grid }) => (learned / grid).toFixed(3)],
    ['edge on 12 megapixels, quick', ({ quickEdge }) => edge(quickEdge)],
    ['the same, careful', ({ carefulEdge }) => edge(carefulEdge)],
    ['quick, with clean colours', ({ cleanEdge }) => edge(cleanEdge)],
    ['peak memory', ({ memory }) => memory ?? 'unknown'],
  ];
  console.log(`\n${cpus()[0].model}, ${cpus().length} cores; ${PHOTO}, median of ${repeats}\n`);
  console.log(`| | ${columns.map(({ title }) => title).join(' | ')} |`);
  console.log(`|---|${columns.map(() => '---:').join('|')}|`);
  for (const [label, cell] of rows) console.log(`| ${label} | ${columns.map(cell).join(' | ')} |`);
  const wasm = readFileSync(join(ROOT, 'pkg', 'wasm', 'relaxed-simd', 'aims_web_bg.wasm'));
  console.log(
    `\nwasm (${profile}): ${(wasm.length / 1e6).toFixed(2)} MB, ${(gzipSync(wasm, { level: 9 }).length / 1e6).toFixed(2)} MB gzip`,
  );
}
