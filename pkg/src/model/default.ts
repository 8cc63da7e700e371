// The model in this package. `pkg/test/model.test.js` holds it to the file.

export const DEFAULT_MODEL = {
  file: 'models/aims-tiny-q8.safetensors',
  bytes: 14041296,
  sha256: '682db135f8053c9e9952c355d2ffa77bf0401b947dcbf493b28aa190e2a5791d',
} as const;
