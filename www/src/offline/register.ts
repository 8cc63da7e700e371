/** Keeps the page's files in the browser, so that the page works without a network. */
export function registerOffline(): void {
  // The development server has no list of files.
  if (import.meta.env.PROD && 'serviceWorker' in navigator)
    navigator.serviceWorker.register('sw.js').catch((error: unknown) => console.warn(error));
}
