import { expect, QUICK, sample, test } from './demo.js';

test('after the first visit the page works without a network', async ({ demo, page, context }) => {
  await demo.start(QUICK);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  const manifest = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=manifest]')!;
    return (await fetch(link.href)).json();
  });
  expect(manifest).toMatchObject({ display: 'standalone', start_url: './' });

  await context.setOffline(true);
  // Another address shows that the page is found whatever its settings are.
  await demo.start(`${QUICK}&mode=auto`);
  await demo.choose('coffee.jpg', sample('coffee'));
  await demo.arrive('full');
  expect((await demo.scene()).masks.length).toBeGreaterThan(0);
  await page.click('[data-sample=chelsea]');
  await expect(page.locator('#trail')).toContainText('Photo');
  await demo.arrive('full');
});
