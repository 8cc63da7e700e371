// Answers the page's requests from a cache that holds all files of one version of the page. The
// build puts the list of files and the version in the place of the two names below. The package
// itself keeps the model. A new version waits until all tabs with the old one are closed, so a page
// never gets files of two versions.
const FILES = __FILES__;
const CACHE = `aims-web-demo-__VERSION__`;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith('aims-web-demo-') && name !== CACHE)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) =>
        cache.match(request, {
          // The page's settings are in its address, but the page is the same for all.
          ignoreSearch: request.mode === 'navigate',
          // The files are the same whatever headers a request has.
          ignoreVary: true,
        }),
      )
      .then((kept) => kept ?? fetch(request)),
  );
});
