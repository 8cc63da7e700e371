// Gives the options with which the browser is started, and the address of the page.
import { QUIET } from '../../scripts/chromium-flags.mjs';

export const PORT = Number(process.env.PORT ?? 4179);
export const ADDRESS = `http://localhost:${PORT}/`;

export const launchOptions = (extra: string[]) => ({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', ...QUIET, ...extra],
});
