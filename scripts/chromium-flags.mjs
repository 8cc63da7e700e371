// The flags with which tests and benchmarks start Chromium. This file has only constants, so that a
// test's configuration can import it.

/** With these flags Chromium makes no requests of its own and shows no first-run page. */
export const QUIET = [
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];
/** These flags give a WebGPU adapter on machines without graphics hardware. */
export const SOFTWARE = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
export const HARDWARE = ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
export const NO_WEBGPU = ['--disable-features=WebGPU', '--disable-gpu'];
