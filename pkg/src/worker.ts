// This is the script of the dedicated worker and the entry point aims-web/worker.
import { Host } from './engine/host.js';
import { watchDevices } from './engine/program-gpu.js';
import type { FromWorker, ToWorker } from './engine/protocol.js';

const post = (message: FromWorker) => self.postMessage(message);
const host = new Host(post);

// A Rust panic shows in three ways: its hook is called, the call throws, or, if the panic is in a
// task that the program has started itself, there is an uncaught error while the promise of the
// call stays pending for ever.
Object.assign(self, { __aimsPanic: (message: string) => host.crash(message) });
self.addEventListener('error', (event) => host.crash(event.message));
self.addEventListener('unhandledrejection', (event) => host.crash(String(event.reason)));
watchDevices((message) => post({ type: 'lost', message }));

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => host.receive(data));
