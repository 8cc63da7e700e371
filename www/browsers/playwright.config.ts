// Runs the tests of the tools in browsers that Playwright itself cannot drive. It only runs the
// tests; driver.ts drives the browsers.
import { defineConfig } from '@playwright/test';
import type { Options } from './demo.js';

const PORT = Number(process.env.PORT ?? 4189);
const ADDRESS = `http://localhost:${PORT}/`;

export default defineConfig<object, Options>({
  testDir: '.',
  outputDir: '../test-results/browsers',
  workers: 1,
  // On a busy machine a driver may lose an event. A fault of the demo fails twice.
  retries: 1,
  // Nothing here measures time, and machines may be busy.
  timeout: 10 * 60_000,
  expect: { timeout: 120_000 },
  reporter: [['list'], ['./reporter.ts']],
  projects: [
    { name: 'firefox', use: { driven: 'firefox', address: ADDRESS } },
    { name: 'webkit', use: { driven: 'webkit', address: ADDRESS } },
  ],
  webServer: {
    command: `vite preview --port ${PORT} --strictPort`,
    cwd: '..',
    url: ADDRESS,
    reuseExistingServer: false,
  },
});
