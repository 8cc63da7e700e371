// Never run: none of these lines may compile. tsc reports a directive with no error below it.
import {
  cocoToRle,
  decodeRle,
  encodeRle,
  growMask,
  latest,
  type Mask,
  maskToImageData,
  maskToPath2D,
  type Prompt,
  type SegmentedImage,
  Segmenter,
  sceneToCoco,
  subjectOf,
  unionMasks,
} from 'aims-web';
import { sceneToPsd } from 'aims-web/psd';

declare const segmenter: Segmenter;
declare const image: SegmentedImage;
declare const mask: Mask;

// @ts-expect-error Segmenters come from create.
new Segmenter();
// @ts-expect-error Images come from setImage: the class is a type only.
await import('aims-web').then(({ SegmentedImage }) => SegmentedImage);

// @ts-expect-error There is no such device.
await Segmenter.create({ device: 'gpu' });
// @ts-expect-error There is no such option.
await Segmenter.create({ modelUrl: '/model' });
// @ts-expect-error A device comes with its adapter.
await Segmenter.create({ gpu: { device: {} as GPUDevice } });
// @ts-expect-error There is no such precision.
await Segmenter.create({ precision: 'f64' });
// @ts-expect-error Functions give a model, not a number.
await Segmenter.create({ model: () => 7 });
// @ts-expect-error A worker is started by a function, at each start.
await Segmenter.create({ worker: new Worker('/worker.js') });
// @ts-expect-error A shared worker has no messages of its own.
await Segmenter.create({ worker: () => new SharedWorker('/worker.js') });

// @ts-expect-error Addresses are fetched by the caller.
await segmenter.setImage('photo.jpg');
// @ts-expect-error Sound has no picture.
await segmenter.setImage({} as HTMLAudioElement);
// @ts-expect-error What a segmenter runs on is told, not set.
segmenter.adapter = { device: 'cpu' };

// @ts-expect-error There is no such kind of prompt.
await image.segment({ prompt: { kind: 'point', x: 1, y: 2 } });
// @ts-expect-error A box prompt has a box.
await image.segment({ prompt: { kind: 'box' } });
// @ts-expect-error A box has four numbers.
await image.segment({ prompt: { kind: 'box', box: [0, 0, 10] } });
// @ts-expect-error Prompts take the code of a mask, not the mask.
await image.segment({ prompt: { kind: 'entity', mask } });
// @ts-expect-error A relation joins two.
await image.segment({ prompt: { kind: 'entities', masks: [mask.rle] } });
// @ts-expect-error A label is 0 or 1.
await image.segment({ prompt: { kind: 'points', points: [{ x: 1, y: 2, label: 2 }] } });
// @ts-expect-error A point has a label.
await image.segment({ prompt: { kind: 'points', points: [{ x: 1, y: 2 }] } });
// @ts-expect-error Points of prompts with labels are objects.
await image.segment({ prompt: { kind: 'points', points: [[1, 2]] } });
// @ts-expect-error Corners are pairs.
await image.segment({ prompt: { kind: 'polygon', points: [{ x: 1, y: 2 }] } });
// @ts-expect-error A stroke has a label.
await image.segment({ prompt: { kind: 'strokes', strokes: [{ points: [[1, 2]] }] } });
// @ts-expect-error There is no such level.
await image.segment({ levels: ['object'] });
// @ts-expect-error There is no such mode.
await image.segment({ mode: 'slow' });
// @ts-expect-error Settings of the grid are in camel case here.
await image.segment({ grid: { points_per_side: 32 } });
// @ts-expect-error Refinement takes the mask, not its code.
await image.refine(mask.rle);
// @ts-expect-error There are no such colours.
await image.refine(mask, { colors: 'none' });
// @ts-expect-error The width is for reading.
image.width = 7;

// @ts-expect-error A lost device comes with an error, not with an adapter.
segmenter.addEventListener('devicelost', ({ detail }) => detail.reason);
// @ts-expect-error Helpers take a mask; its code is inside.
maskToPath2D(mask.rle);
// @ts-expect-error This one takes the code.
decodeRle(mask);
// @ts-expect-error Text is no list of pixels.
encodeRle('0110', 2, 2);
const rows = [
  [0, 1],
  [1, 0],
];
// @ts-expect-error Rows must be joined to one list.
encodeRle(rows, 2, 2);
// @ts-expect-error There must be a mask.
unionMasks();
// @ts-expect-error By how many pixels?
growMask(mask);
// @ts-expect-error There may be no subject.
subjectOf({ width: 1, height: 1, masks: [] }).id;
// @ts-expect-error What takes time gives a promise.
latest(() => 7);
// @ts-expect-error A colour has four numbers.
maskToImageData(mask, [255, 0, 0]);
// @ts-expect-error An option of COCO's is a name of the file, not the file.
sceneToCoco({ width: 1, height: 1, masks: [] }, { fileName: new Blob() });
// @ts-expect-error There is no such form of masks: it is 'polygons'.
sceneToCoco({ width: 1, height: 1, masks: [] }, { segmentation: 'polygon' });
// @ts-expect-error An annotation knows no size of its photo.
cocoToRle({ bbox: [0, 0, 1, 1] });
// @ts-expect-error Layers are cut from pixels: decode the file first.
await sceneToPsd({ width: 1, height: 1, masks: [] }, new Blob());
// @ts-expect-error Prompts are told apart by their kind.
export const box: Prompt = { box: [0, 0, 1, 1] };
// @ts-expect-error Inner modules are not to be had.
await import('aims-web/dist/engine/client.js');
