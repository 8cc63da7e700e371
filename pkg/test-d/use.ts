// Never run: what people write against the package, by its own exports, must compile. `npm run typecheck -w pkg`.
import {
  type Adapter,
  type Alpha,
  type Box,
  backgroundOf,
  type Candidate,
  type CocoDataset,
  type CocoPhoto,
  type CocoRle,
  type CocoShape,
  type CutOutOptions,
  cocoToRle,
  cutOut,
  cutOutBox,
  type Device,
  decodeRle,
  dropIslands,
  encodeRle,
  fillHoles,
  growMask,
  intersectMasks,
  invertMask,
  type Level,
  latest,
  type Mask,
  type MaskOrRle,
  type Matte,
  type MatteColors,
  maskToAlpha,
  maskToGeoJson,
  maskToImageBitmap,
  maskToImageData,
  maskToPath2D,
  maskToPolygons,
  maskToSvgPath,
  type Polygon,
  type Progress,
  type Prompt,
  type RefineOptions,
  type Rle,
  rleArea,
  rleBox,
  type Scene,
  type SceneFeatures,
  type SceneGraph,
  type SegmentedImage,
  Segmenter,
  SegmenterError,
  type SegmenterOptions,
  type Support,
  sceneGraph,
  scenesToCoco,
  sceneToCoco,
  sceneToDot,
  sceneToGeoJson,
  shrinkMask,
  smoothMask,
  subjectOf,
  subtractMasks,
  traceOutline,
  unionMasks,
} from 'aims-web';
import { type PsdOptions, sceneToPsd } from 'aims-web/psd';

/** Compiles if both types are the same one. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(proof: Same<A, B>) => proof;

export async function firstMask(
  file: File,
  context: CanvasRenderingContext2D,
  signal: AbortSignal,
): Promise<void> {
  const support = await Segmenter.isSupported();
  same<typeof support, Support>(true);
  if (!support.supported) throw new Error(support.reason);

  using segmenter = await Segmenter.create({
    device: 'auto',
    signal,
    onProgress: (progress) => {
      same<typeof progress, Progress>(true);
      console.log(progress.stage, progress.fraction.toFixed(2));
    },
  });
  same<typeof segmenter.adapter, Adapter>(true);
  using image = await segmenter.setImage(file, { signal });
  same<typeof image, SegmentedImage>(true);
  const scene = await image.segment();
  for (const mask of scene.masks)
    if (mask.level === 'entity') context.stroke(maskToPath2D(mask, { tolerance: 1 }));
}

export async function allSources(
  segmenter: Segmenter,
  element: HTMLImageElement,
  canvas: HTMLCanvasElement,
  video: HTMLVideoElement,
  frame: VideoFrame,
): Promise<void> {
  const bitmap = await createImageBitmap(element);
  const sources = [
    new Blob(),
    element,
    canvas,
    video,
    frame,
    bitmap,
    new ImageData(1, 1),
    new OffscreenCanvas(1, 1),
  ];
  for (const source of sources) (await segmenter.setImage(source)).close();
}

export async function allModels(
  bytes: Uint8Array,
  stream: ReadableStream<Uint8Array>,
  file: File,
): Promise<void> {
  const models: NonNullable<SegmenterOptions['model']>[] = [
    '/models/aims-tiny-q4.safetensors',
    new URL('https://example.org/aims-base-q8.safetensors'),
    bytes,
    bytes.slice().buffer,
    file,
    stream,
    new Response(stream),
    () => fetch('/model'),
    () => '/model',
    async () => bytes,
  ];
  for (const model of models) await Segmenter.create({ model, sha256: '682db1', cache: false });
  const isCached: boolean = await Segmenter.isCached({ model: '/model' });
  if (isCached) await Segmenter.clearCache();
}

export async function ownWorker(): Promise<Segmenter> {
  const worker = () => new Worker('/worker.js', { type: 'module' });
  const { supported, reason } = await Segmenter.isSupported({ worker, assets: '/aims-web/' });
  if (!supported) throw new Error(reason);
  return Segmenter.create({ worker, assets: '/aims-web/' });
}

export async function allPrompts(image: SegmentedImage, mask: Mask, other: Mask): Promise<Scene[]> {
  const prompts: Prompt[] = [
    { kind: 'full' },
    { kind: 'box', box: [0, 0, 10, 10] },
    {
      kind: 'polygon',
      points: [
        [0, 0],
        [10, 0],
        [0, 10],
      ],
    },
    { kind: 'mask', mask: mask.rle },
    { kind: 'entity', mask: mask.rle },
    { kind: 'entities', masks: [mask.rle, other.rle] },
    { kind: 'relation', mask: mask.rle },
    {
      kind: 'points',
      points: [
        { x: 1, y: 2, label: 1 },
        { x: 3, y: 4, label: 0 },
      ],
    },
    { kind: 'points', points: [], box: [0, 0, 10, 10] },
    {
      kind: 'strokes',
      strokes: [
        {
          points: [
            [1, 2],
            [3, 4],
          ],
          label: 1,
        },
      ],
    },
    {
      kind: 'lasso',
      points: [
        [0, 0],
        [10, 0],
        [0, 10],
      ],
    },
  ];
  const levels: Level[] = ['part', 'entity', 'relation'];
  return Promise.all(
    prompts.map((prompt) =>
      image.segment({
        prompt,
        levels,
        mode: 'grid',
        minScore: 0.3,
        maxQueries: 24,
        grid: { pointsPerSide: 8 },
      }),
    ),
  );
}

/** Codes from COCO's files are read wherever those of this package are. */
export function fromElsewhere(
  image: SegmentedImage,
  rle: CocoRle,
  scene: Scene<CocoRle>,
): Promise<Scene> {
  same<Mask, Mask<Rle>>(true);
  const uncompressed = { size: [2, 2], counts: [1, 2, 1] } as const;
  const again: Rle = encodeRle([false, true, true, false], 2, 2);
  console.log(
    decodeRle(uncompressed),
    rleArea(rle),
    rleBox(again),
    maskToAlpha({ rle: uncompressed }),
    sceneToCoco(scene),
    sceneToGeoJson(scene),
  );
  console.log(
    sceneToDot(scene, { name: (mask) => String(mask.rle.counts) }),
    sceneToDot(scene, { name: ({ id }: Mask<CocoRle>) => `${id}` }),
  );
  return image.segment({ prompt: { kind: 'entities', masks: [rle, uncompressed] } });
}

/** Masks and codes go in, codes come out. */
export function madeOfOthers(
  mask: Mask,
  rle: Rle,
  others: MaskOrRle[],
  largest?: number,
  smallest?: number,
): Rle {
  const combined: Rle[] = [
    unionMasks(mask, rle),
    intersectMasks(rle, ...others),
    subtractMasks(mask, ...others),
    invertMask({ rle }),
  ];
  const shaped: Rle[] = [
    growMask(mask, 2.5),
    shrinkMask(rle, 1),
    smoothMask(mask, 3),
    fillHoles(rle),
    dropIslands(mask),
  ];
  return fillHoles(dropIslands(unionMasks(...(combined as [Rle]), ...shaped), { smallest }), {
    largest,
  });
}

export function subject(scene: Scene, fromCoco: Scene<CocoRle>): Rle[] {
  const found = subjectOf(scene);
  same<typeof found, Mask | null>(true);
  const other: Mask<CocoRle> | null = subjectOf(fromCoco);
  return [
    backgroundOf(scene),
    backgroundOf(scene, found ?? undefined),
    ...(other ? [backgroundOf(fromCoco, other)] : []),
  ];
}

export async function hover(
  image: SegmentedImage,
  signal: AbortSignal,
  maybe?: AbortSignal,
): Promise<number> {
  const ask = latest(({ x, y }: { x: number; y: number }, { signal }) =>
    image.candidates({ points: [{ x, y, label: 1 }] }, { signal }),
  );
  const candidates = await ask({ x: 1, y: 2 });
  same<typeof candidates, Candidate[]>(true);
  return (
    (await ask({ x: 1, y: 2 }, { signal })).length +
    (await ask({ x: 1, y: 2 }, { signal: maybe })).length
  );
}

export async function both(image: SegmentedImage): Promise<Candidate[]> {
  const prompt = { kind: 'points', points: [{ x: 1, y: 2, label: 1 }] } as const;
  await image.segment({ prompt });
  return image.candidates(prompt);
}

export function cocoFiles(
  scene: Scene,
  annotation: CocoShape,
  fromCoco: Scene<CocoRle>,
  tolerance?: number,
): CocoDataset[] {
  const photos: CocoPhoto[] = [{ scene, fileName: 'a.jpg', imageId: 3 }, { scene: fromCoco }];
  const written = sceneToCoco(scene, { fileName: 'a.jpg', segmentation: 'polygons', tolerance });
  // What was written can be read, and so can files of others.
  const read: Rle[] = written.annotations.map((own) => cocoToRle(own, scene.width, scene.height));
  read.push(
    cocoToRle(annotation, 2, 2),
    cocoToRle({ segmentation: [[0, 0, 1, 0, 1, 1]], bbox: [0, 0, 1, 1] }, 2, 2),
  );
  console.log(read);
  return [written, scenesToCoco(photos), scenesToCoco(photos, { segmentation: 'rle' })];
}

/** Options that may be undefined are passed on as they are. */
export const passOn = (
  image: SegmentedImage,
  prompt?: Prompt,
  signal?: AbortSignal,
  minScore?: number,
  levels?: Level[],
) => image.segment({ prompt, signal, minScore, levels });

export function plainData(scene: Scene, photo: ImageBitmap): void {
  same<Scene, { width: number; height: number; masks: Mask[] }>(true);
  const [mask] = scene.masks;
  if (!mask) return;
  const { id, level, score, area, bbox, rle, parent, members } = mask;
  same<[typeof id, typeof score, typeof area], [number, number, number]>(true);
  same<[typeof level, typeof bbox, typeof rle], [Level, Box, Rle]>(true);
  same<[typeof parent, typeof members], [number | null, number[]]>(true);
  const [x, y, width, height] = bbox;
  const [maskHeight, maskWidth] = rle.size;
  console.log(x + y + width + height + maskHeight * maskWidth);

  const pixels = decodeRle(rle);
  const again: Rle = encodeRle(pixels, scene.width, scene.height);
  const drawn: [ImageData, Promise<ImageBitmap>, Path2D] = [
    maskToImageData(mask, [255, 0, 0, 128]),
    maskToImageBitmap(mask),
    maskToPath2D(mask),
  ];
  const alpha: Alpha = maskToAlpha(mask, { feather: 3, shiftEdge: -1 });
  const cut: [OffscreenCanvas, Box] = [
    cutOut(photo, { rle: again }, { feather: 3 }),
    cutOutBox(mask, { feather: 3 }),
  ];
  const outlines: [string, Polygon[], number[][]] = [
    maskToSvgPath(mask, { tolerance: 2 }),
    maskToPolygons(mask),
    traceOutline(rle),
  ];
  const measures: [number, Box] = [rleArea(rle), rleBox(rle)];
  const feature = maskToGeoJson(mask);
  const scenes: [SceneFeatures, CocoDataset, SceneGraph, string] = [
    sceneToGeoJson(scene),
    sceneToCoco(scene, { fileName: 'photo.jpg', imageId: 7 }),
    sceneGraph(scene),
    sceneToDot(scene, { name: ({ level, id }) => `${level} ${id}` }),
  ];
  console.log(drawn, alpha.data.length, cut, outlines, measures, feature.properties.level, scenes);
}

export async function psd(scene: Scene, photo: ImageData): Promise<Blob> {
  const options: PsdOptions = { feather: 2, name: (mask) => `Layer ${mask.id}` };
  const document = await sceneToPsd(scene, photo, options);
  same<typeof document, Blob>(true);
  return document;
}

export async function refined(
  image: SegmentedImage,
  scene: Scene,
  photo: ImageBitmap,
  signal: AbortSignal,
): Promise<Blob> {
  const options: RefineOptions = { hair: true, zoom: false, radius: 12.5, colors: 'clean', signal };
  const mattes = new Map<number, Matte>();
  for (const mask of scene.masks) {
    const matte = await image.refine(mask, options);
    const alpha: Alpha = matte;
    same<typeof matte.colors, MatteColors | null>(true);
    const cutting: CutOutOptions = { matte, colors: 'photo' };
    console.log(alpha.data.length, cutOut(photo, mask, cutting), cutOutBox(mask, { matte }));
    mattes.set(mask.id, matte);
  }
  await sceneToPsd(scene, photo, { matte: (mask) => image.refine(mask) });
  return sceneToPsd(scene, photo, { matte: ({ id }) => mattes.get(id) });
}

export function listen(segmenter: Segmenter): void {
  segmenter.addEventListener('devicelost', (event) => {
    same<typeof event, CustomEvent<SegmenterError>>(true);
    console.log(event.detail.code);
  });
  const onRestored = ({ detail }: CustomEvent<Adapter>): void =>
    console.log(detail.device, detail.reason);
  segmenter.addEventListener('restored', onRestored, { once: true });
  segmenter.removeEventListener('restored', onRestored);
}

/** A new code makes this fail, and so everything like it that people have. */
export function explain(error: unknown): string {
  if (!(error instanceof SegmenterError)) throw error;
  switch (error.code) {
    case 'unsupported-image':
    case 'corrupt-image':
    case 'image-too-large':
    case 'empty-image':
    case 'animated-image':
    case 'sixteen-bit-image':
      return 'Take another picture.';
    case 'model-missing':
    case 'model-corrupt':
    case 'model-version':
      return 'Ask who runs this page.';
    case 'no-webgpu':
    case 'unsupported-environment':
    case 'device-lost':
      return 'Take another browser or device.';
    case 'invalid-option':
    case 'invalid-prompt':
    case 'empty-prompt':
    case 'size-mismatch':
      return 'Select something else.';
    case 'closed':
    case 'aborted':
    case 'internal':
      return error.message;
    default:
      return error.code satisfies never;
  }
}

export async function shareDevice(): Promise<Segmenter> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('There is no graphics device.');
  const segmenter = await Segmenter.create({
    gpu: { adapter, device: await adapter.requestDevice() },
    inputSize: 1024,
    precision: 'f16',
  });
  const { wasm, gpu, gpuReserved } = await segmenter.memory();
  same<typeof segmenter.adapter.device, Device>(true);
  console.log(wasm + gpu + gpuReserved);
  return segmenter;
}
