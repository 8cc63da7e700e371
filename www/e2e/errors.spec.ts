import { type Demo, expect, sample, test } from './demo.js';

const QUERY = 'device=cpu&size=256&queries=16';

async function expectBanner(demo: Demo, title: RegExp): Promise<void> {
  await expect(demo.page.locator('#banner')).toBeVisible();
  await expect(demo.page.locator('#banner-title')).toHaveText(title);
  await demo.idle();
}

test('bad files are explained, and the page still works', async ({ demo }) => {
  await demo.start(QUERY);
  const jpeg = sample('coffee');
  await demo.choose('notes.txt', Buffer.from('no picture'));
  await expectBanner(demo, /cannot be opened/);
  await demo.choose('empty.jpg', Buffer.alloc(0));
  await expectBanner(demo, /empty/);
  await demo.choose('cut.jpg', jpeg.subarray(0, jpeg.length / 2));
  await expectBanner(demo, /damaged/);
  await demo.screenshot('error-cut');

  await demo.choose('coffee.jpg', jpeg);
  await demo.arrive('full');
  await expect(demo.page.locator('#banner')).toBeHidden();
  await demo.choose('cut.jpg', jpeg.subarray(0, jpeg.length / 2));
  await expectBanner(demo, /damaged/);
  // The previous photo is still there.
  await expect(demo.page.locator('body')).toHaveAttribute('data-view', 'full');
});

test('a file that the program reads but the browser cannot show leaves the previous photo', async ({
  demo,
}) => {
  await demo.start(QUERY);
  await demo.choose('coffee.jpg', sample('coffee'));
  await demo.arrive('full');
  await demo.page.evaluate(() => {
    window.createImageBitmap = () =>
      Promise.reject(
        new DOMException('The source image could not be decoded.', 'InvalidStateError'),
      );
  });
  await demo.choose('chelsea.jpg', sample('chelsea'));
  await expectBanner(demo, /cannot be opened/);
  await expect(demo.page.locator('#banner-text')).toContainText('This browser cannot show it');
  await demo.drag([150, 80, 300, 250]);
  await demo.arrive('box');
  expect(await demo.scene()).toMatchObject({ width: 600, height: 400 });
});

test('work can be cancelled and started again', async ({ demo }) => {
  // The large input gives the click enough time.
  await demo.start('device=cpu&size=1024&queries=16');
  await demo.choose('coffee.jpg', sample('coffee'));
  await demo.page.click('#cancel');
  await expect(demo.page.locator('#status')).toHaveText('Cancelled.');
  await demo.idle();
  await demo.cancelAt('Finding masks');
  await demo.choose('coffee.jpg', sample('coffee'));
  await expect(demo.page.locator('#progress-text')).toHaveText(/Finding masks/);
  await expect(demo.page.locator('#status')).toHaveText('Cancelled.');
  await demo.idle();
  await demo.page.click('text=Find masks');
  await demo.arrive('full');
});

test('an error names the missing model', async ({ demo }) => {
  await demo.start(`${QUERY}&model=/nowhere.safetensors`);
  await expectBanner(demo, /model could not be loaded/);
  await expect(demo.page.locator('#banner-text')).toContainText('/nowhere.safetensors');
});
