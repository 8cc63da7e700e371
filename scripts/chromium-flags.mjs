// How Chromium is started by tests and benchmarks. These are constants alone, so that a test's configuration can import them.

/** Asks nobody on the network anything, and shows no first-run page. */
export const QUIET = [
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];
/** A WebGPU adapter on machines without graphics hardware. */
export const SOFTWARE = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
export const HARDWARE = ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
export const NO_WEBGPU = ['--disable-features=WebGPU', '--disable-gpu'];
