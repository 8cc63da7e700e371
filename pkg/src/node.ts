// This is the entry point aims-web for Node and server-side rendering. It has everything that works
// on plain data, and a Segmenter that fails with a message which says where segmenters work.
import { ON_SERVERS } from './calls/environment.js';
import { SegmenterError } from './common/errors.js';
import type { Support } from './common/types.js';

export class Segmenter extends EventTarget {
  static async create(): Promise<never> {
    throw new SegmenterError('unsupported-environment', ON_SERVERS);
  }

  static async isSupported(): Promise<Support> {
    return { supported: false, webgpu: 'none', reason: ON_SERVERS };
  }

  static async isCached(): Promise<boolean> {
    return false;
  }

  static async clearCache(): Promise<void> {}
}

export * from './common-exports.js';
