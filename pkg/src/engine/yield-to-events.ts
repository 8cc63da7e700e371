/**
 * Waits for the next task, so that messages that have arrived are handled first.
 * A message channel, unlike a timer, is not slowed down to 4 ms when nested, nor to seconds in background tabs.
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
