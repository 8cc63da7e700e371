// This describes the default model in the package. `pkg/test/model.test.js` compares it with the
// file.

export const DEFAULT_MODEL = {
  file: 'models/aims-base-q4.safetensors',
  bytes: 21220582,
  sha256: 'ce2a6cfb5baabbaa14e197f891da43f338e9049eee1b5cb85685b009917eee04',
} as const;
