// Installs what building and testing need beside Rust: npm packages, a browser with its driver, a Vulkan device for tests.
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aptInstall, npm, once, ROOT, StepError, which } from './lib.mjs';

/** npm packages of the workspaces. */
export function needPackages() {
  const inputs = ['package.json', 'package-lock.json', 'pkg/package.json', 'www/package.json'];
  once(
    'packages',
    { inputs, outputs: ['node_modules/.package-lock.json'], what: 'Installing npm packages' },
    () =>
      npm(['ci', '--no-audit', '--no-fund'], {
        advice:
          'If package-lock.json is out of date run `npm install`, else check that the npm registry is reachable; then run this again.',
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
    throw new StepError(
      'No Chromium or Chrome found. Install one, or set CHROMIUM to its full path, and run this again.',
    );
  if (!found.CHROMEDRIVER)
    throw new StepError(
      "No chromedriver found. Install the one of your browser's version, or set CHROMEDRIVER to its path, and run this again.",
    );
  return found;
}

/** Full path of Firefox, installed where it is missing. */
export function needFirefox() {
  const find = () => process.env.FIREFOX || which('firefox-esr', 'firefox');
  const found = find() || (aptInstall(['firefox-esr'], 'tests run in Firefox too') && find());
  if (found) return found;
  throw new StepError(
    'No Firefox found. Install it, or set FIREFOX to its full path, and run this again.',
  );
}

/** Full paths of the browser that comes with WebKitGTK, and of an X server that needs no screen; installed where they are missing. */
export function needWebKit() {
  const find = () => ({
    WEBKIT: process.env.WEBKIT || miniBrowser(),
    XVFB: process.env.XVFB || which('Xvfb'),
  });
  let found = find();
  if (
    (!found.WEBKIT || !found.XVFB) &&
    aptInstall(['libwebkit2gtk-4.1-0', 'xvfb'], 'tests run in WebKit too')
  )
    found = find();
  if (!found.WEBKIT)
    throw new StepError(
      'No WebKitGTK found. Install it, or set WEBKIT to the full path of its MiniBrowser, and run this again.',
    );
  if (!found.XVFB)
    throw new StepError(
      'No Xvfb found, without which WebKitGTK needs a screen. Install it, or set XVFB to its full path, and run this again.',
    );
  return found;
}

/** It is not on PATH: Debian has it beside the library, in a folder of the machine's kind. */
function miniBrowser() {
  const folders = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name))
    : [];
  const paths = [...folders, '/usr/libexec'].map((folder) =>
    join(folder, 'webkit2gtk-4.1', 'MiniBrowser'),
  );
  return paths.find((path) => existsSync(path));
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
  const hasDriver =
    process.env.VK_ICD_FILENAMES ||
    process.env.VK_DRIVER_FILES ||
    folders.some((f) => existsSync(f) && readdirSync(f).length > 0);
  if (hasDriver || aptInstall(['mesa-vulkan-drivers'], 'native GPU tests need a Vulkan driver'))
    return;
  throw new StepError(
    "No Vulkan driver found for the GPU tests. Install your GPU's driver, or the package mesa-vulkan-drivers, and run this again.",
  );
}
