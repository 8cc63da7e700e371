// This describes the default model in the package. `pkg/test/model.test.js` compares it with the
// file.

export const DEFAULT_MODEL = {
  file: 'models/aims-base-q4.safetensors',
  bytes: 22240768,
  sha256: 'f20a9379c0e67b734daf261f6c2c5ab143b88740b64a963e06fbbccf9c3c7053',
} as const;
