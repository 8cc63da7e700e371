import { createReadStream, readFileSync } from 'node:fs';
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
const SMALL_MODEL = 'models/aims-tiny-q8.safetensors';
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

export default defineConfig({
  base: './',
  plugins: [csp, smallModel],
  // Pre-bundling would separate the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022', rolldownOptions: { input: ['index.html', 'bench.html'] } },
  // As a header, the policy also applies in the worker.
  preview: { headers: { 'Content-Security-Policy': CSP } },
});
