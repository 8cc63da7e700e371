// Traces outlines of large masks, so that the page does not stop for them.
import { type CocoRle, maskToSvgPath } from 'aims-web';

/** What the page asks for, and what it gets back. */
export interface OutlineRequest {
  rle: CocoRle;
  tolerance: number;
}

addEventListener('message', ({ data }: MessageEvent<OutlineRequest>) =>
  postMessage(maskToSvgPath(data, { tolerance: data.tolerance })),
);
