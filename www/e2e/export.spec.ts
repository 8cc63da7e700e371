// What leaves the editor: files of all formats, the clipboard, and a drag.
import { readPsd } from 'ag-psd';
import type { CocoDataset, SceneFeatures } from 'aims-web';
import { expect, testWith } from './demo.js';
import { insideOf } from './places.js';

const test = testWith('coffee');

test('all formats have the masks of the scene, and the selection', async ({ demo }) => {
  const { page } = demo;
  const plain = await demo.scene();
  expect(plain.selected).toBeNull();
  const entity = plain.masks.find(({ level }) => level === 'entity')!;
  await demo.click(insideOf(entity));
  await demo.selected(0);
  expect((await demo.scene()).selected).toBe(entity.id);
  await page.keyboard.press('i');
  await demo.selected(entity.area);

  const { masks, selected, width, height } = await demo.scene();
  expect(masks).toHaveLength(plain.masks.length + 1);
  const inverse = masks.find(({ id }) => id === selected)!;
  expect(inverse.area).toBe(width * height - entity.area);

  const coco: CocoDataset = JSON.parse((await demo.save('coco')).toString());
  expect(coco.annotations.map(({ area }) => area).sort()).toEqual(
    masks.map(({ area }) => area).sort(),
  );
  const geojson: SceneFeatures = JSON.parse((await demo.save('geojson')).toString());
  expect(geojson.features.map(({ properties }) => properties.id).sort()).toEqual(
    masks.map(({ id }) => id).sort(),
  );
  const svg = (await demo.save('svg')).toString();
  const paths = await page.evaluate((text) => {
    const root = new DOMParser().parseFromString(text, 'image/svg+xml');
    return [...root.querySelectorAll('path')].map(({ id }) => id);
  }, svg);
  expect(paths.sort()).toEqual(masks.map(({ id, level }) => `${level}-${id}`).sort());

  const psd = readPsd(await demo.save('psd'), {
    skipLayerImageData: true,
    skipCompositeImageData: true,
    skipThumbnail: true,
  });
  expect([psd.width, psd.height]).toEqual([width, height]);
  expect(psd.children?.[0]?.name).toBe('Photo');
  const entities = masks.filter(({ level }) => level === 'entity');
  expect(psd.children!.length).toBeGreaterThan(entities.length);
});

test('the cut-out goes to the clipboard and can be dragged out', async ({ demo }) => {
  const { page } = demo;
  const entity = (await demo.scene()).masks.find(({ level }) => level === 'entity')!;
  await demo.click(insideOf(entity));
  await demo.selected(0);
  await page.keyboard.press('Control+c');
  await expect(page.locator('#status')).toHaveText('Copied the cut-out.');
  const types = await page.evaluate(async () =>
    (await navigator.clipboard.read()).flatMap(({ types }) => types),
  );
  expect(types).toContain('image/png');

  const dragged = page.evaluate(
    () =>
      new Promise<string[]>((resolve) =>
        addEventListener('dragstart', ({ dataTransfer }) => {
          const files = [...dataTransfer!.files].map(({ name }) => name);
          resolve([...files, dataTransfer!.getData('DownloadURL').split(':blob:')[0]!]);
        }),
      ),
  );
  const handle = page.locator('#drag-out');
  await handle.hover();
  await expect(handle).toHaveAttribute('data-ready', 'true');
  await page.mouse.down();
  await page.mouse.move(400, 400, { steps: 5 });
  await page.mouse.up();
  const name = `coffee-entity-${entity.id}.png`;
  expect(await dragged).toEqual([name, `image/png:${name}`]);
});
