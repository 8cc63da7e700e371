// This describes the default model in the package. `pkg/test/model.test.js` compares it with the
// file.

export const DEFAULT_MODEL = {
  file: 'models/aims-base-q4.safetensors',
  bytes: 21220566,
  sha256: '3f66cc8325b52481ee61de4084d47db24f428c1028bf7135511a0b22807e031a',
} as const;
