// Finds Chromium, Firefox and WebKit, and opens them at an address with a new profile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUIET, SOFTWARE } from '../../scripts/chromium-flags.mjs';
import { StepError } from '../../scripts/lib.mjs';
import { needBrowser, needFirefox, needWebKit } from '../../scripts/needs.mjs';

/**
 * With these settings Firefox asks no questions at its first start, makes no requests to other
 * servers, and opens popups.
 */
const FIREFOX_SETTINGS = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.disable_open_during_load': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

async function openChromium(url, profile) {
  // Chromium starts as root only without its sandbox.
  const args = [
    '--headless',
    '--no-sandbox',
    ...QUIET,
    ...SOFTWARE,
    '--disable-popup-blocking',
    `--user-data-dir=${profile}`,
    url,
  ];
  return [start(needBrowser().CHROMIUM, args)];
}

async function openFirefox(url, profile) {
  const lines = Object.entries(FIREFOX_SETTINGS).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  return [start(needFirefox(), ['--headless', '--no-remote', '--profile', profile, url])];
}

/** WebKitGTK's browser has no headless mode, and it takes its folders from the environment. */
async function openWebKit(url, profile) {
  const { WEBKIT, XVFB } = needWebKit();
  const screen = start(
    XVFB,
    ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], signal: 'SIGTERM' },
  );
  const number = await Promise.race([
    once(screen.program.stdio[3], 'data').then(String),
    screen.ended.then(() => undefined),
  ]);
  if (number === undefined) throw new StepError(`Xvfb did not start:\n${screen.errors()}`);
  const folders = Object.fromEntries(
    ['HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'].map((name) => [name, profile]),
  );
  const env = {
    ...folders,
    DISPLAY: `:${number.trim()}`,
    GDK_BACKEND: 'x11',
    LIBGL_ALWAYS_SOFTWARE: '1',
    NO_AT_BRIDGE: '1',
  };
  return [start(WEBKIT, [url], { env }), screen];
}

// When this script ends, for whatever reason, the browsers must end too. They are not in its
// process group.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** `find` throws if the browser is not installed and cannot be. */
export const BROWSERS = {
  chromium: { find: needBrowser, open: openChromium },
  firefox: { find: needFirefox, open: openFirefox },
  webkit: { find: needWebKit, open: openWebKit },
};

/**
 * Opens a browser. `ended` resolves when the browser ends by itself, `errors` gives what it has
 * written, and `close` ends it.
 */
export async function openBrowser(name, url) {
  const profile = mkdtempSync(join(tmpdir(), `aims-web-${name}-`));
  let programs = [];
  const remove = () => {
    for (const { kill } of programs) kill();
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  process.once('exit', remove);
  const close = async () => {
    for (const { kill } of programs) kill();
    await Promise.all(programs.map(({ ended }) => ended));
    remove();
    process.off('exit', remove);
  };
  try {
    programs = await BROWSERS[name].open(url, profile);
  } catch (error) {
    await close();
    throw error;
  }
  const [{ ended, errors }] = programs;
  return { ended, errors, close };
}

/**
 * Starts a program as the leader of a process group. Browsers have many processes, and all of them
 * get the `signal` to end.
 */
function start(
  path,
  args,
  { env = {}, stdio = ['ignore', 'ignore', 'pipe'], signal = 'SIGKILL' } = {},
) {
  const program = spawn(path, args, { env: { ...process.env, ...env }, stdio, detached: true });
  let errors = '';
  program.stderr.on('data', (text) => (errors = (errors + text).slice(-20_000)));
  const ended = new Promise((resolve) => {
    program.on('exit', resolve);
    program.on('error', (error) => {
      errors += error.message;
      resolve();
    });
  });
  const kill = () => {
    try {
      process.kill(-program.pid, signal);
    } catch {
      // it has already ended
    }
  };
  return { program, ended, kill, errors: () => errors };
}
