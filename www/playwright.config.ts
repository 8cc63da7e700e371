import { defineConfig } from '@playwright/test';
import { SOFTWARE } from '../scripts/chromium-flags.mjs';
import { ADDRESS, launchOptions, PORT } from './e2e/browser.js';

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  workers: 1,
  // Nothing here measures time, and software adapters and busy machines may take minutes. Clicks do
  // not wait for work.
  timeout: 20 * 60_000,
  expect: { timeout: 10 * 60_000 },
  reporter: [['list']],
  use: {
    baseURL: ADDRESS,
    actionTimeout: 120_000,
    viewport: { width: 1440, height: 900 },
    launchOptions: launchOptions(SOFTWARE),
  },
  webServer: {
    command: `vite preview --port ${PORT} --strictPort`,
    url: ADDRESS,
    reuseExistingServer: false,
  },
});
