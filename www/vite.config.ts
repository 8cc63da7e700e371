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

export default defineConfig({
  base: './',
  plugins: [csp],
  // Pre-bundling would part the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022', rolldownOptions: { input: ['index.html', 'bench.html'] } },
  // As a header the policy holds in the worker too.
  preview: { headers: { 'Content-Security-Policy': CSP } },
});
