// Written by `npm run api -w pkg`. What this entry point exports.
import type { CocoRle, EdgeOptions, NameOptions, Rle, Scene } from './index.js';

export type PsdOptions<Code extends CocoRle = Rle> = EdgeOptions & NameOptions<Code>;

export declare function sceneToPsd<Code extends CocoRle = Rle>(scene: Scene<Code>, photo: ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas, options?: PsdOptions<Code>): Promise<Blob>;

export {};
