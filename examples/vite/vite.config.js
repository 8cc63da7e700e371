import { defineConfig } from 'vite';

// Vite 7 needs both; Vite 8 works without a configuration.
export default defineConfig({
  // Pre-bundling would part the package's code from its worker, wasm and model.
  optimizeDeps: { exclude: ['aims-web'] },
  // The worker imports one of two programs.
  worker: { format: 'es' },
});
