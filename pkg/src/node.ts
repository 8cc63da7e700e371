// What Node and server-side rendering get: everything that computes on plain data, and a Segmenter that says where it works.
import { SegmenterError } from './errors.js';
import type { Support } from './types.js';

const WHY = 'Segmentation runs in browsers. On a server, import this package but create segmenters in the page only.';

export class Segmenter extends EventTarget {
  static async create(): Promise<never> {
    throw new SegmenterError('unsupported-environment', WHY);
  }

  static async isSupported(): Promise<Support> {
    return { supported: false, webgpu: 'none', reason: WHY };
  }

  static async isCached(): Promise<boolean> {
    return false;
  }

  static async clearCache(): Promise<void> {}
}

export * from './data.js';
