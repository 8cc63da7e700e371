// These are the types of refined edges.
import type { Box, CallOptions } from './types.js';

/** Alpha goes from 0 (transparent) to 255 (opaque), row by row from the top left. */
export interface Alpha {
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

/**
 * A matte is the alpha of one thing, with an edge that follows the photo, and the thing's own
 * colours where it is soft. It is plain data of the photo's size.
 */
export interface Matte extends Alpha {
  /**
   * The colours of the soft pixels without what they have of the background. It is null if no pixel
   * is soft, or if `refine` was called with `colors: 'photo'`.
   */
  colors: MatteColors | null;
}

/** The own colours of a thing in its soft pixels, whose alpha is neither 0 nor 255. */
export interface MatteColors {
  /** The smallest box around all soft pixels, in pixels of the photo. */
  box: Box;
  /**
   * The pixels of the box as RGBA, row by row from the top left. Soft pixels are opaque and have
   * the thing's own colour. All others are transparent, so these pixels can be drawn over the photo.
   */
  data: Uint8ClampedArray<ArrayBuffer>;
}

/** The options of `refine`. */
export interface RefineOptions extends CallOptions {
  /**
   * How far the true edge may be from the mask's, in pixels of the photo. Further away nothing
   * changes. It must be positive, and more than the photo's size means all of the photo. Default:
   * 2 % of the longer side of the photo, or 4 % of that of the part in which the mask was found
   * again.
   */
  radius?: number | undefined;
  /**
   * Whether to find a thing again at full detail first. This happens only if it pays: the network
   * reads the part of the photo around the mask once more if the cells of masks become at least twice
   * as fine there. Its answer is taken if it shows the same thing. It takes as long as `setImage`.
   * Default true.
   */
  zoom?: boolean | undefined;
  /**
   * Whether to look for hair and fur by closed-form matting, which takes several times longer.
   * Default false, which is a guided filter.
   */
  hair?: boolean | undefined;
  /**
   * With 'clean', the matte has the thing's own colours for its soft pixels. With 'photo' it has
   * none, so that soft pixels keep what they have of the background. Default 'clean'.
   */
  colors?: 'clean' | 'photo' | undefined;
}
