// The dedicated worker's script.
import { Host } from './engine/host.js';
import { watchDevices } from './engine/program-gpu.js';
import type { FromWorker, ToWorker } from './engine/protocol.js';

const post = (message: FromWorker) => self.postMessage(message);
const host = new Host(post);

// A Rust panic can surface in three ways: through its hook, as an exception of the call, or, from a task of the wasm
// side's own, as an uncaught error while the call's promise stays pending for ever.
Object.assign(self, { __aimsPanic: (message: string) => host.crash(message) });
self.addEventListener('error', (event) => host.crash(event.message));
self.addEventListener('unhandledrejection', (event) => host.crash(String(event.reason)));
watchDevices((message) => post({ type: 'lost', message }));

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => host.receive(data));
