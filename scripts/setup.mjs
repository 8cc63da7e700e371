// Installs what building and testing need beside Rust: npm packages, a browser with its driver, a Vulkan device for tests.
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, StepError, aptInstall, npm, once, which } from './lib.mjs';

/** npm packages of the workspaces. */
export function needPackages() {
  const inputs = ['package.json', 'package-lock.json', 'pkg/package.json', 'www/package.json'];
  once('packages', { inputs, outputs: ['node_modules/.package-lock.json'], what: 'Installing npm packages' }, () =>
    npm(['ci', '--no-audit', '--no-fund'], {
      advice: 'If package-lock.json is out of date run `npm install`, else check that the npm registry is reachable; then run this again.',
    }),
  );
}

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Environment for tests in a browser: CHROMIUM and CHROMEDRIVER are full paths, installed where missing. */
export function needBrowser() {
  const find = () => ({
    CHROMIUM: process.env.CHROMIUM || which(...BROWSERS),
    CHROMEDRIVER: process.env.CHROMEDRIVER || which('chromedriver'),
  });
  let found = find();
  if (!found.CHROMIUM || !found.CHROMEDRIVER) {
    aptInstall(['chromium', 'chromium-driver'], 'tests run in a real browser');
    found = find();
  }
  if (!found.CHROMIUM)
    throw new StepError('No Chromium or Chrome found. Install one, or set CHROMIUM to its full path, and run this again.');
  if (!found.CHROMEDRIVER)
    throw new StepError('No chromedriver found. Install the one of your browser\'s version, or set CHROMEDRIVER to its path, and run this again.');
  return found;
}

/** Path of webdriver.json with the browser's path written in. */
export function webdriverConfig(browser) {
  const config = JSON.parse(readFileSync(join(ROOT, 'webdriver.json'), 'utf8'));
  config['goog:chromeOptions'].binary = browser;
  const path = join(mkdtempSync(join(tmpdir(), 'aims-webdriver-')), 'webdriver.json');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** A Vulkan driver for the native GPU tests on Linux; Mesa's software one where there is none. */
export function needVulkan() {
  if (process.platform !== 'linux') return;
  const folders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
  const hasDriver = process.env.VK_ICD_FILENAMES || process.env.VK_DRIVER_FILES || folders.some((f) => existsSync(f) && readdirSync(f).length > 0);
  if (hasDriver || aptInstall(['mesa-vulkan-drivers'], 'native GPU tests need a Vulkan driver')) return;
  throw new StepError('No Vulkan driver found for the GPU tests. Install your GPU\'s driver, or the package mesa-vulkan-drivers, and run this again.');
}
