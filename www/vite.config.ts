import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

// Nothing leaves the machine, because the page may contact only its own server.
const CSP = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "img-src 'self' blob: data:",
  "style-src 'self'",
].join('; ');

/** Adds the policy to the built page only, because the development server needs inline styles. */
const csp: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: CSP },
      injectTo: 'head-prepend',
    },
  ],
};

// Serves the small model file of the package under an address that the settings can name.
const SMALL_MODEL = 'models/aims-tiny-q4.safetensors';
const smallModelFile = new URL(`../pkg/${SMALL_MODEL}`, import.meta.url);
const smallModel: Plugin = {
  name: 'small-model',
  configureServer({ middlewares }) {
    middlewares.use(
      `/${SMALL_MODEL}`,
      (_, response) => void createReadStream(smallModelFile).pipe(response),
    );
  },
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: SMALL_MODEL, source: readFileSync(smallModelFile) });
  },
};

const PUBLIC = fileURLToPath(new URL('public', import.meta.url));
/** The package keeps models itself, and the benchmark is not part of the editor. */
const NOT_KEPT = /safetensors$|bench|LICENSES/;

/** Writes the service worker with the list of all files of this build. */
const offline: Plugin = {
  name: 'offline',
  apply: 'build',
  writeBundle({ dir }, bundle) {
    const published = readdirSync(PUBLIC, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(PUBLIC, join(parentPath, name)).replaceAll(sep, '/'));
    const files = [...Object.keys(bundle), ...published]
      .filter((name) => !NOT_KEPT.test(name))
      .sort();
    const hash = createHash('sha256');
    for (const name of files) hash.update(name).update(readFileSync(join(dir!, name)));
    const version = hash.digest('hex').slice(0, 12);
    const list = files.map((name) => (name === 'index.html' ? './' : name));
    const source = readFileSync(new URL('src/offline/service-worker.js', import.meta.url), 'utf8');
    writeFileSync(
      join(dir!, 'sw.js'),
      source.replace('__FILES__', JSON.stringify(list)).replace('__VERSION__', version),
    );
  },
};

export default defineConfig({
  base: './',
  plugins: [csp, smallModel, offline],
  // Pre-bundling would separate the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022', rolldownOptions: { input: ['index.html', 'bench.html'] } },
  // As a header, the policy also applies in the worker.
  preview: { headers: { 'Content-Security-Policy': CSP } },
});
