// The ways to open a photo: file dialog, drop, paste, samples.
import { byId } from '../dom.js';

export type OnPhoto = (photo: Blob, name: string) => void;

export function bindInputs(onPhoto: OnPhoto, onFailure: (error: unknown) => void): void {
  const view = byId('view');
  const input = byId<HTMLInputElement>('file');
  const take = (files: FileList | null | undefined): boolean => {
    const file = files?.[0];
    if (file) onPhoto(file, baseName(file.name));
    return file !== undefined;
  };

  for (const id of ['open', 'open-large']) byId(id).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    take(input.files);
    // Without this, choosing the same file again would not be a change.
    input.value = '';
  });

  // What is dragged out of the editor is not dropped on it.
  let own = false;
  addEventListener('dragstart', () => (own = true));
  addEventListener('dragend', () => (own = false));
  addEventListener('dragover', (event) => {
    if (own || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    view.classList.add('drop');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) view.classList.remove('drop');
  });
  addEventListener('drop', (event) => {
    view.classList.remove('drop');
    // Without this, the browser would leave the page to show the file.
    event.preventDefault();
    if (!own) take(event.dataTransfer?.files);
  });

  addEventListener('paste', (event) => {
    if (take(event.clipboardData?.files)) event.preventDefault();
  });

  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-sample]'))
    button.addEventListener('click', () => openSample(button.dataset.sample!, onPhoto, onFailure));
}

/** Opens one of the photos that come with the page. */
export function openSample(
  name: string,
  onPhoto: OnPhoto,
  onFailure: (error: unknown) => void,
): void {
  fetch(`samples/${name}.jpg`)
    .then((response) => response.blob())
    .then((photo) => onPhoto(photo, name))
    .catch(onFailure);
}

const baseName = (file: string): string => file.replace(/\.[^.]*$/, '') || 'photo';
