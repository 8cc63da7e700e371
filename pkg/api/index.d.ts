// Written by `npm run api -w pkg`. What this entry point exports.

export interface Adapter {
    device: Device;
    name: string;
    software: boolean;
    precision: Precision;
    reason: string;
}

export interface Alpha {
    data: Uint8ClampedArray<ArrayBuffer>;
    width: number;
    height: number;
}

export type Box = [x: number, y: number, width: number, height: number];

declare const CODES: readonly ['unsupported-image', 'corrupt-image', 'image-too-large', 'empty-image', 'animated-image', 'sixteen-bit-image', 'model-missing', 'model-corrupt', 'model-version', 'no-webgpu', 'unsupported-environment', 'device-lost', 'invalid-option', 'invalid-prompt', 'empty-prompt', 'size-mismatch', 'closed', 'aborted', 'internal'];

export interface CallOptions {
    onProgress?: ((progress: Progress) => void) | undefined;
    signal?: AbortSignal | undefined;
}

export interface Candidate {
    score: number;
    stability: number;
    chosen: boolean;
    area: number;
    bbox: Box;
    rle: Rle;
    logits: MaskLogits;
}

export interface CocoAnnotation {
    id: number;
    image_id: number;
    category_id: number;
    segmentation: Rle | number[][];
    area: number;
    bbox: Box;
    iscrowd: 0;
    score: number;
    parent: number | null;
    members: number[];
}

export interface CocoDataset {
    images: {
        id: number;
        width: number;
        height: number;
        file_name: string;
    }[];
    annotations: CocoAnnotation[];
    categories: {
        id: number;
        name: Level;
        supercategory: string;
    }[];
}

export interface CocoFormat extends OutlineOptions {
    segmentation?: 'rle' | 'polygons' | undefined;
}

export interface CocoOptions extends CocoFormat {
    fileName?: string | undefined;
    imageId?: number | undefined;
}

export interface CocoPhoto {
    scene: Scene<CocoRle>;
    fileName?: string | undefined;
    imageId?: number | undefined;
}

export interface CocoRle {
    size: readonly [height: number, width: number];
    counts: string | readonly number[];
}

export interface CocoShape {
    segmentation?: CocoRle | readonly (readonly number[])[] | undefined;
    bbox?: Readonly<Box> | undefined;
}

export type Device = 'webgpu' | 'cpu';

export interface EdgeOptions {
    feather?: number | undefined;
    shiftEdge?: number | undefined;
}

export type ErrorCode = (typeof CODES)[number];

export interface GridOptions {
    pointsPerSide?: number | undefined;
    pointsPerBatch?: number | undefined;
    predIouThresh?: number | undefined;
    stabilityScoreThresh?: number | undefined;
    stabilityScoreOffset?: number | undefined;
    boxNmsThresh?: number | undefined;
    cropNLayers?: number | undefined;
    cropNmsThresh?: number | undefined;
    cropOverlapRatio?: number | undefined;
    cropNPointsDownscaleFactor?: number | undefined;
    minMaskRegionArea?: number | undefined;
}

export interface HasRle {
    rle: CocoRle;
}

export interface HoleOptions {
    largest?: number | undefined;
}

export type ImageSource = Blob | ImageBitmap | ImageData | HTMLCanvasElement | HTMLImageElement | HTMLVideoElement | OffscreenCanvas | VideoFrame;

export interface IslandOptions {
    smallest?: number | undefined;
}

export type Level = 'part' | 'entity' | 'relation';

export interface Mask<Code extends CocoRle = Rle> {
    id: number;
    level: Level;
    score: number;
    area: number;
    bbox: Box;
    rle: Code;
    parent: number | null;
    members: number[];
}

export interface MaskFeature {
    type: 'Feature';
    id: number;
    geometry: {
        type: 'MultiPolygon';
        coordinates: [x: number, y: number][][][];
    };
    properties: {
        id: number;
        level: Level;
        score: number;
        area: number;
        bbox: Box;
        parent: number | null;
        members: number[];
    };
}

export interface MaskLogits {
    columns: number;
    rows: number;
    values: Float32Array;
}

export type MaskOrRle = HasRle | CocoRle;

export interface MemoryUsage {
    wasm: number;
    gpu: number;
    gpuReserved: number;
}

export type Mode = 'fast' | 'thorough';

export type ModelSource = URL | string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | Response;

export interface NameOptions<Code extends CocoRle = Rle> {
    name?: ((mask: Mask<Code>) => string) | undefined;
}

export interface OutlineOptions {
    tolerance?: number | undefined;
}

export interface PointPrompt {
    points?: readonly {
        x: number;
        y: number;
        label: 0 | 1;
    }[] | undefined;
    box?: Readonly<Box> | undefined;
    previous?: MaskLogits | undefined;
}

export interface Polygon {
    outer: Ring;
    holes: Ring[];
}

export type Precision = 'f32' | 'f16';

export interface Progress {
    stage: 'model' | 'image' | 'segment';
    fraction: number;
}

export type Prompt =
{
    kind: 'full';
}
 | {
    kind: 'box';
    box: Readonly<Box>;
} | {
    kind: 'polygon';
    points: readonly (readonly [x: number, y: number])[];
} | {
    kind: 'mask';
    mask: CocoRle;
}
 | {
    kind: 'entity';
    mask: CocoRle;
}
 | {
    kind: 'entities';
    masks: readonly [CocoRle, CocoRle];
}
 | {
    kind: 'relation';
    mask: CocoRle;
}
 | ({
    kind: 'points';
} & PointPrompt)
 | {
    kind: 'strokes';
    strokes: readonly {
        points: readonly (readonly [x: number, y: number])[];
        label: 0 | 1;
    }[];
}
 | {
    kind: 'lasso';
    points: readonly (readonly [x: number, y: number])[];
};

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

export type Ring = number[];

export interface Rle {
    size: [height: number, width: number];
    counts: string;
}

export interface Scene<Code extends CocoRle = Rle> {
    width: number;
    height: number;
    masks: Mask<Code>[];
}

export interface SceneEdge {
    from: number;
    to: number;
    kind: 'has-part' | 'has-member';
}

export interface SceneFeatures {
    type: 'FeatureCollection';
    features: MaskFeature[];
}

export interface SceneGraph {
    nodes: Pick<Mask, 'id' | 'level' | 'score' | 'area' | 'bbox'>[];
    edges: SceneEdge[];
}

export interface SegmentOptions extends CallOptions {
    levels?: readonly Level[] | undefined;
    prompt?: Prompt | undefined;
    mode?: Mode | undefined;
    minScore?: number | undefined;
    maxQueries?: number | undefined;
    grid?: GridOptions | undefined;
}

declare class SegmentedImage {
    #private;
    readonly width: number;
    readonly height: number;
    segment({ levels, prompt, mode, minScore, maxQueries, grid, onProgress, signal }?: SegmentOptions): Promise<Scene>;
    candidates(prompt: PointPrompt, { onProgress, signal }?: CallOptions): Promise<Candidate[]>;
    close(): void;
    [Symbol.dispose](): void;
}
export type { SegmentedImage };

export declare class Segmenter extends EventTarget {
    #private;
    private constructor();
    static create(options?: SegmenterOptions): Promise<Segmenter>;
    static isSupported(options?: Pick<SegmenterOptions, 'assets' | 'gpu' | 'worker'>): Promise<Support>;
    static isCached(options?: Pick<SegmenterOptions, 'model' | 'sha256' | 'assets' | 'cache'>): Promise<boolean>;
    static clearCache(): Promise<void>;
    get adapter(): Adapter;
    setImage(source: ImageSource, { onProgress, signal }?: CallOptions): Promise<SegmentedImage>;
    memory(): Promise<MemoryUsage>;
    close(): void;
    [Symbol.dispose](): void;
}

export interface Segmenter {
    addEventListener<Type extends keyof SegmenterEventMap>(type: Type, listener: (event: SegmenterEventMap[Type]) => void, options?: AddEventListenerOptions | boolean): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: AddEventListenerOptions | boolean): void;
    removeEventListener<Type extends keyof SegmenterEventMap>(type: Type, listener: (event: SegmenterEventMap[Type]) => void, options?: EventListenerOptions | boolean): void;
    removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: EventListenerOptions | boolean): void;
}

export declare class SegmenterError extends Error {
    readonly code: ErrorCode;
    constructor(code: ErrorCode, message: string, options?: ErrorOptions);
}

export interface SegmenterEventMap {
    devicelost: CustomEvent<SegmenterError>;
    restored: CustomEvent<Adapter>;
}

export interface SegmenterOptions extends CallOptions {
    device?: 'auto' | Device | undefined;
    model?: ModelSource | (() => ModelSource | Promise<ModelSource>) | undefined;
    sha256?: string | undefined;
    cache?: boolean | undefined;
    assets?: URL | string | undefined;
    worker?: (() => Worker) | undefined;
    gpu?: {
        adapter: GPUAdapter;
        device: GPUDevice;
    } | undefined;
    inputSize?: number | undefined;
    precision?: Precision | undefined;
}

export interface Support {
    supported: boolean;
    webgpu: 'hardware' | 'software' | 'none';
    reason: string;
}

export declare function backgroundOf({ width, height, masks }: Scene<CocoRle>, subject?: MaskOrRle): Rle;

export declare function cocoToRle(annotation: CocoShape, width: number, height: number): Rle;

export declare function cutOut(photo: CanvasImageSource, { rle }: HasRle, options?: EdgeOptions): OffscreenCanvas;

export declare function cutOutBox({ rle }: HasRle, options?: EdgeOptions): Box;

export declare function decodeRle(rle: CocoRle): Uint8Array<ArrayBuffer>;

export declare function dropIslands(mask: MaskOrRle, { smallest }?: IslandOptions): Rle;

export declare function encodeRle(pixels: ArrayLike<number | boolean>, width: number, height: number): Rle;

export declare function fillHoles(mask: MaskOrRle, { largest }?: HoleOptions): Rle;

export declare function growMask(mask: MaskOrRle, pixels: number): Rle;

export declare function intersectMasks(mask: MaskOrRle, ...others: readonly MaskOrRle[]): Rle;

export declare function invertMask(mask: MaskOrRle): Rle;

export declare function latest<Input, Result>(call: (input: Input, options: {
    signal: AbortSignal;
}) => Promise<Result>): (input: Input, options?: {
    signal?: AbortSignal | undefined;
}) => Promise<Result>;

export declare function maskToAlpha({ rle }: HasRle, options?: EdgeOptions): Alpha;

export declare function maskToGeoJson(mask: Mask<CocoRle>, options?: OutlineOptions): MaskFeature;

export declare function maskToImageBitmap(mask: HasRle, color?: Rgba): Promise<ImageBitmap>;

export declare function maskToImageData({ rle }: HasRle, color?: Rgba): ImageData;

export declare function maskToPath2D(mask: HasRle, options?: OutlineOptions): Path2D;

export declare function maskToPolygons({ rle }: HasRle, options?: OutlineOptions): Polygon[];

export declare function maskToSvgPath(mask: HasRle, options?: OutlineOptions): string;

export declare function rleArea(rle: CocoRle): number;

export declare function rleBox(rle: CocoRle): Box;

export declare function sceneGraph({ masks }: Scene<CocoRle>): SceneGraph;

export declare function sceneToCoco(scene: Scene<CocoRle>, { fileName, imageId, ...format }?: CocoOptions): CocoDataset;

export declare function sceneToDot<Code extends CocoRle = Rle>(scene: Scene<Code>, { name }?: NameOptions<Code>): string;

export declare function sceneToGeoJson({ masks }: Scene<CocoRle>, options?: OutlineOptions): SceneFeatures;

export declare function scenesToCoco(photos: readonly CocoPhoto[], format?: CocoFormat): CocoDataset;

export declare function shrinkMask(mask: MaskOrRle, pixels: number): Rle;

export declare function smoothMask(mask: MaskOrRle, radius: number): Rle;

export declare function subjectOf<Code extends CocoRle = Rle>({ masks }: Scene<Code>): Mask<Code> | null;

export declare function subtractMasks(mask: MaskOrRle, ...others: readonly MaskOrRle[]): Rle;

export declare function traceOutline(rle: CocoRle): Ring[];

export declare function unionMasks(mask: MaskOrRle, ...others: readonly MaskOrRle[]): Rle;

export {};
