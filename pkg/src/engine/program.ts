// This file loads the program: the wasm module that decodes photos and runs the network.
import type { Engine, InitOutput, PhotoPixels } from '../../wasm/simd/aims_web.js';
import { SegmenterError, toErrorData } from '../common/errors.js';

/** The parts of the loaded module that the host uses. */
export interface Program {
  engine: Pick<typeof Engine, 'create'>;
  photo: Pick<typeof PhotoPixels, 'decode' | 'fromRgba'>;
  memory: InitOutput['memory'];
}

/**
 * A wasm module with one relaxed SIMD instruction. It is valid only in browsers that have those
 * instructions.
 */
const RELAXED_SIMD = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  15,
  1,
  13,
  0,
  65,
  1,
  253,
  15,
  65,
  2,
  253,
  15,
  253,
  128,
  2,
  11,
);

/** Chooses the build that this browser can run. Both builds are the same program. */
async function chooseBuild() {
  return WebAssembly.validate(RELAXED_SIMD)
    ? {
        program: await import('../../wasm/relaxed-simd/aims_web.js'),
        url: new URL('../../wasm/relaxed-simd/aims_web_bg.wasm', import.meta.url),
      }
    : {
        program: await import('../../wasm/simd/aims_web.js'),
        url: new URL('../../wasm/simd/aims_web_bg.wasm', import.meta.url),
      };
}

/**
 * Downloads and compiles the program.
 *
 * @throws {SegmenterError} 'internal' if a file of the program cannot be loaded.
 */
export async function loadProgram(): Promise<Program> {
  let file = 'of this package';
  try {
    const { program, url } = await chooseBuild();
    file = url.href;
    const { memory } = await program.default({ module_or_path: url });
    return { engine: program.Engine, photo: program.PhotoPixels, memory };
  } catch (cause) {
    throw new SegmenterError(
      'internal',
      `The program file ${file} could not be loaded: ${toErrorData(cause).message}. Check that the server has it.`,
    );
  }
}
