// The model in this package. `pkg/test/model.test.js` holds it to the file.

export const DEFAULT_MODEL = {
  file: 'models/aims-tiny-q8.safetensors',
  bytes: 14042584,
  sha256: '7fd960b2ff51e43a36ca606e87194fe5d0fb70038764b4a74dc16c1dd5564148',
} as const;
