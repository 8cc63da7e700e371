// Keeps the graphics device that is requested next.
const { prototype } = globalThis.GPUAdapter ?? { prototype: {} };
const { requestDevice } = prototype;
prototype.requestDevice = async function (...args) {
  return (self.device = await requestDevice.apply(this, args));
};
