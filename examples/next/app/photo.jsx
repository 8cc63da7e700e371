'use client';
// Draws the outlines of the things in a photo. A click fills the thing that is meant. The server
// renders this component too. It can import the package, but only events create a segmenter, and
// events happen only in the page.
import { maskToPath2D, Segmenter } from 'aims-web';
import { useEffect, useRef, useState } from 'react';

export function Photo() {
  const canvas = useRef(null);
  const work = useRef({}); // the segmenter, the bitmap and the image
  const [status, setStatus] = useState('Choose a photo.');
  const [busy, setBusy] = useState(true); // until this script runs in the page
  const [scene, setScene] = useState(null);
  useEffect(() => {
    setBusy(false);
    return () => work.current.segmenter?.close();
  }, []);

  /** Makes a handler that does one thing at a time and shows what went wrong. */
  const attempt = (action) => async (event) => {
    setBusy(true);
    await action(event).catch((error) => setStatus(`Failed: ${error.message}`));
    setBusy(false);
  };

  const open = attempt(async ({ target }) => {
    const onProgress = ({ fraction }) =>
      setStatus(`Loading the model: ${Math.round(100 * fraction)} %`);
    // One segmenter serves all photos.
    const segmenter = (work.current.segmenter ??= await Segmenter.create({ onProgress }));
    work.current.image?.close();
    const [file] = target.files;
    const [bitmap, image] = await Promise.all([createImageBitmap(file), segmenter.setImage(file)]);
    work.current = { segmenter, bitmap, image };
    [canvas.current.width, canvas.current.height] = [image.width, image.height];
    show(await image.segment(), (context, path) => context.stroke(path));
  });

  const click = attempt(async ({ nativeEvent: { offsetX: x, offsetY: y } }) => {
    const prompt = { kind: 'points', points: [{ x, y, label: 1 }] };
    show(await work.current.image.segment({ prompt }), (context, path) => context.fill(path));
  });

  function show(found, paint) {
    const context = canvas.current.getContext('2d');
    context.drawImage(work.current.bitmap, 0, 0);
    [context.strokeStyle, context.lineWidth, context.fillStyle] = [
      'gold',
      2,
      'rgb(255 215 0 / 0.6)',
    ];
    const entities = found.masks.filter(({ level }) => level === 'entity');
    for (const mask of entities) paint(context, maskToPath2D(mask));
    setScene(found);
    setStatus(`Entities: ${entities.length}. Click one.`);
  }

  return (
    <main inert={busy}>
      <input type="file" accept="image/*" aria-label="Photo" onChange={open} />
      <p id="status" role="status">
        {status}
      </p>
      <canvas ref={canvas} hidden={scene === null} onClick={click} />
      <details>
        <summary>The scene as JSON</summary>
        <pre>{scene && JSON.stringify(scene, null, 1)}</pre>
      </details>
    </main>
  );
}
