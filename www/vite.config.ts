import { createReadStream, readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

// Nothing leaves the machine: the page may reach its own server alone.
const CSP = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "img-src 'self' blob: data:",
  "style-src 'self'",
].join('; ');

/** In the built page; the development server needs inline styles. */
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

// The small model file of the package, under an address that settings can name.
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
  // Pre-bundling would part the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022', rolldownOptions: { input: ['index.html', 'bench.html'] } },
  // As a header the policy holds in the worker too.
  preview: { headers: { 'Content-Security-Policy': CSP } },
});
