// Starts Chromium for benchmarks, either with this machine's graphics hardware or with the software
// adapter of the browser.
import { fromWww } from './build.mjs';
import { HARDWARE } from './chromium-flags.mjs';
import { needBrowser } from './needs.mjs';

export function launch(args) {
  const { chromium } = fromWww('@playwright/test');
  return chromium.launch({
    executablePath: needBrowser().CHROMIUM,
    args: ['--no-sandbox', ...args],
  });
}

/** Says whether a browser finds real graphics hardware on this machine. */
export async function hasHardware() {
  const browser = await launch(HARDWARE);
  try {
    const page = await browser.newPage();
    // WebGPU exists only in secure contexts. localhost is one, so no server is needed.
    await page.route('**', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
    await page.goto('http://localhost/');
    return await page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter();
      return adapter != null && !adapter.info.isFallbackAdapter;
    });
  } finally {
    await browser.close();
  }
}
