// This describes the default model in the package. `pkg/test/model.test.js` compares it with the
// file.

export const DEFAULT_MODEL = {
  file: 'models/aims-base-q4.safetensors',
  bytes: 27417552,
  sha256: 'a57f1587625e79ab39b2665dfb20062088868fe5f2ed33e7c2f779f463f4e320',
} as const;
