/**
 * Waits for the next task, so that messages that have arrived are handled first. It uses a message
 * channel, because browsers delay nested timers by 4 ms, and timers of background tabs by seconds.
 */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
