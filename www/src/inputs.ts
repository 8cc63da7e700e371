// The ways to open a photo: file dialog, drop, paste, samples.
import { byId } from './dom.js';

export type OnPhoto = (photo: Blob, name: string) => void;

export function bindInputs(onPhoto: OnPhoto, onFailure: (error: unknown) => void): void {
  const stage = byId('stage');
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

  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    stage.classList.add('drop');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) stage.classList.remove('drop');
  });
  addEventListener('drop', (event) => {
    stage.classList.remove('drop');
    // Without this, the browser would leave the page to show the file.
    event.preventDefault();
    take(event.dataTransfer?.files);
  });

  addEventListener('paste', (event) => {
    if (take(event.clipboardData?.files)) event.preventDefault();
  });

  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-sample]')) {
    const name = button.dataset.sample ?? '';
    button.addEventListener('click', () => {
      fetch(`samples/${name}.jpg`)
        .then((response) => response.blob())
        .then((photo) => onPhoto(photo, name))
        .catch(onFailure);
    });
  }
}

const baseName = (file: string): string => file.replace(/\.[^.]*$/, '') || 'photo';
