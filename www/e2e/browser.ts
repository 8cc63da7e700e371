// How the browser is started.

/** A WebGPU adapter on machines without graphics hardware. */
export const SOFTWARE_WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

export const NO_WEBGPU = ['--disable-features=WebGPU', '--disable-gpu'];

export const launchOptions = (extra: string[]) => ({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    ...extra,
  ],
});
