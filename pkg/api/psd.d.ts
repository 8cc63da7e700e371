// Written by `npm run api -w pkg`. What this entry point exports.
import type { EdgeOptions, NameOptions, Scene } from './index.js';

export type PsdOptions = EdgeOptions & NameOptions;

export declare function sceneToPsd(scene: Scene, photo: ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas, options?: PsdOptions): Promise<Blob>;

export {};
