import { defineConfig } from 'vite';

// Vite 7 needs both of these settings. Vite 8 works without a configuration.
export default defineConfig({
  // Pre-bundling would separate the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  // The worker imports one of two programs, which only works in this format.
  worker: { format: 'es' },
});
