// Installs what building and testing need besides Rust: npm packages, browsers and their driver,
// and a Vulkan driver for tests.
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aptInstall, npm, once, ROOT, StepError, which } from './lib.mjs';

/** Installs the npm packages of the workspaces. */
export function needPackages() {
  const inputs = ['package.json', 'package-lock.json', 'pkg/package.json', 'www/package.json'];
  once(
    'packages',
    { inputs, outputs: ['node_modules/.package-lock.json'], what: 'Installing npm packages' },
    () =>
      npm(['ci', '--no-audit', '--no-fund'], {
        advice:
          'If package-lock.json is out of date, run `npm install`. Otherwise check that the npm registry is reachable. Then run this again.',
      }),
  );
}

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Returns the full paths of programs, by the variables that can name them. Those that are missing
 * are installed with apt-get if that is possible. If one is still missing, the error is its entry
 * in `absent`.
 */
function needPrograms(find, packages, why, absent) {
  let found = find();
  const missing = () => Object.keys(found).find((name) => !found[name]);
  if (missing() && aptInstall(packages, why)) found = find();
  const name = missing();
  if (name) throw new StepError(absent[name]);
  return found;
}

/**
 * Returns the environment for tests in a browser. CHROMIUM and CHROMEDRIVER are full paths. Both
 * are installed if they are missing.
 */
export const needBrowser = () =>
  needPrograms(
    () => ({
      CHROMIUM: process.env.CHROMIUM || which(...BROWSERS),
      CHROMEDRIVER: process.env.CHROMEDRIVER || which('chromedriver'),
    }),
    ['chromium', 'chromium-driver'],
    'tests run in a real browser',
    {
      CHROMIUM:
        'No Chromium or Chrome found. Install one, or set CHROMIUM to its full path, and run this again.',
      CHROMEDRIVER:
        "No chromedriver found. Install the one for your browser's version, or set CHROMEDRIVER to its full path, and run this again.",
    },
  );

/** Returns the full path of Firefox, which is installed if it is missing. */
export const needFirefox = () =>
  needPrograms(
    () => ({ FIREFOX: process.env.FIREFOX || which('firefox-esr', 'firefox') }),
    ['firefox-esr'],
    'tests run in Firefox too',
    {
      FIREFOX: 'No Firefox found. Install it, or set FIREFOX to its full path, and run this again.',
    },
  ).FIREFOX;

/**
 * Returns the full paths of WebKitGTK's browser and of an X server that needs no screen. Both are
 * installed if they are missing.
 */
export const needWebKit = () =>
  needPrograms(
    () => ({
      WEBKIT: process.env.WEBKIT || miniBrowser(),
      XVFB: process.env.XVFB || which('Xvfb'),
    }),
    ['libwebkit2gtk-4.1-0', 'xvfb'],
    'tests run in WebKit too',
    {
      WEBKIT:
        'No WebKitGTK found. Install it, or set WEBKIT to the full path of its MiniBrowser, and run this again.',
      XVFB: 'No Xvfb found. WebKitGTK needs it on machines without a screen. Install it, or set XVFB to its full path, and run this again.',
    },
  );

/**
 * Returns what `needWebKit` does, and the full paths of WebKitGTK's driver and of xdotool, which
 * presses the mouse buttons that the driver cannot release.
 */
export const needWebKitDriver = () => ({
  ...needWebKit(),
  ...needPrograms(
    () => ({
      WEBKIT_DRIVER: process.env.WEBKIT_DRIVER || which('WebKitWebDriver'),
      XDOTOOL: process.env.XDOTOOL || which('xdotool'),
    }),
    ['webkit2gtk-driver', 'xdotool'],
    'the demo is tested in WebKit too',
    {
      WEBKIT_DRIVER:
        'No WebKitWebDriver found. Install it, or set WEBKIT_DRIVER to its full path, and run this again.',
      XDOTOOL: 'No xdotool found. Install it, or set XDOTOOL to its full path, and run this again.',
    },
  ),
});

/**
 * Finds WebKitGTK's browser. It is not on PATH, because Debian keeps it next to the library, in a
 * folder that is named after the architecture.
 */
function miniBrowser() {
  const folders = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name))
    : [];
  const paths = [...folders, '/usr/libexec'].map((folder) =>
    join(folder, 'webkit2gtk-4.1', 'MiniBrowser'),
  );
  return paths.find((path) => existsSync(path));
}

/** Writes a copy of webdriver.json that names this browser, and returns its path. */
export function webdriverConfig(browser) {
  const config = JSON.parse(readFileSync(join(ROOT, 'webdriver.json'), 'utf8'));
  config['goog:chromeOptions'].binary = browser;
  const path = join(mkdtempSync(join(tmpdir(), 'aims-webdriver-')), 'webdriver.json');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/**
 * Makes sure that the native GPU tests have a Vulkan driver on Linux. If there is none, Mesa's
 * software driver is installed.
 */
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
