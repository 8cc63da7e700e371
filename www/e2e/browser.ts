// Gives the options with which the browser is started.
import { QUIET } from '../../scripts/chromium-flags.mjs';

export const launchOptions = (extra: string[]) => ({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', ...QUIET, ...extra],
});
