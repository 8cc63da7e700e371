import { existsSync, readFileSync } from 'node:fs';
import { type Plugin, defineConfig } from 'vite';

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
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: CSP }, injectTo: 'head-prepend' },
  ],
};

// The model file of the larger family, where `npm run models` has made it.
const BASE_MODEL = new URL('../out/models/aims-base-q8.safetensors', import.meta.url);
const hasBaseModel = existsSync(BASE_MODEL);
const baseModel: Plugin = {
  name: 'base-model',
  apply: 'build',
  generateBundle() {
    if (hasBaseModel) this.emitFile({ type: 'asset', fileName: 'models/aims-base-q8.safetensors', source: readFileSync(BASE_MODEL) });
  },
};

export default defineConfig({
  base: './',
  plugins: [csp, baseModel],
  define: { HAS_BASE_MODEL: JSON.stringify(hasBaseModel) },
  // Pre-bundling would part the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022', rolldownOptions: { input: ['index.html', 'bench.html'] } },
  // As a header the policy holds in the worker too.
  preview: { headers: { 'Content-Security-Policy': CSP } },
});
