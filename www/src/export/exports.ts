// Everything that leaves the editor: files, the clipboard, and the cut-out that is dragged out.
import { sceneToCoco, sceneToGeoJson } from 'aims-web';
import { sceneToPsd } from 'aims-web/psd';
import { byId } from '../dom.js';
import type { CutOuts } from '../edit/cut-outs.js';
import type { Editor } from '../edit/editor.js';
import { resultCanvas } from '../view/result.js';
import { sceneToSvg, withSelection } from './formats.js';
import { save } from './save.js';

type Format = 'png' | 'picture' | 'psd' | 'svg' | 'coco' | 'geojson' | 'json';

export class Exports {
  readonly #editor: Editor;
  readonly #cutOuts: CutOuts;
  readonly #say: (text: string) => void;
  readonly #fail: (error: unknown) => void;
  readonly #menu = byId('export-menu');

  constructor(parts: {
    editor: Editor;
    cutOuts: CutOuts;
    say: (text: string) => void;
    fail: (error: unknown) => void;
  }) {
    this.#editor = parts.editor;
    this.#cutOuts = parts.cutOuts;
    this.#say = parts.say;
    this.#fail = parts.fail;
    for (const button of this.#buttons())
      button.addEventListener('click', () => {
        this.#menu.hidePopover();
        this.#export(button.dataset.format as Format).catch(this.#fail);
      });
    byId('export-copy').addEventListener('click', () => {
      this.#menu.hidePopover();
      this.copy();
    });
  }

  update(): void {
    const { step, state, photo } = this.#editor;
    byId<HTMLButtonElement>('export').disabled = !photo || !step;
    for (const button of this.#buttons()) {
      const format = button.dataset.format as Format;
      if (format === 'png') button.disabled = !state.selection;
      if (format === 'picture')
        button.disabled = !state.selection || state.backdrop.kind === 'checker';
    }
    byId<HTMLButtonElement>('export-copy').disabled = !state.selection;
  }

  /** Copies the cut-out to the clipboard. Safari wants the promise and not the finished picture. */
  copy(): void {
    if (!this.#editor.state.selection) return;
    navigator.clipboard
      .write([new ClipboardItem({ 'image/png': this.cutOutPng() })])
      .then(() => this.#say('Copied the cut-out.'), this.#fail);
  }

  /** Gives the selection as a PNG with transparency. */
  async cutOutPng(): Promise<Blob> {
    const cutOut = await this.#cutOuts.current();
    if (!cutOut) throw new Error('There is no cut-out. Select something first.');
    return cutOut.canvas.convertToBlob({ type: 'image/png' });
  }

  /** Gives the name of a file that the selection is saved in. */
  cutOutName(): string {
    const { photo, state } = this.#editor;
    const what = state.source ? `${state.source.level}-${state.source.id}` : 'selection';
    return `${photo?.name}-${what}.png`;
  }

  async #export(format: Format): Promise<void> {
    const { photo, step, state } = this.#editor;
    if (!photo || !step) return;
    const { scene, selected } = withSelection(step.scene, state.selection);
    const saveAs = (content: Blob | string, type: string, ending: string) =>
      save(content instanceof Blob ? content : new Blob([content], { type }), photo.name + ending);
    const json = (value: unknown, ending: string) =>
      saveAs(JSON.stringify(value), 'application/json', ending);
    switch (format) {
      case 'png':
        return save(await this.cutOutPng(), this.cutOutName());
      case 'picture': {
        const cutOut = await this.#cutOuts.current();
        if (!cutOut) return;
        const canvas = resultCanvas({ photo: photo.pyramid, cutOut, state });
        return saveAs(await canvas.convertToBlob({ type: 'image/png' }), '', '-picture.png');
      }
      case 'psd': {
        const matte = selected && (await this.#cutOuts.current())?.matte;
        const layered = await sceneToPsd(scene, photo.bitmap, {
          matte: ({ rle }) => (rle === selected?.rle ? matte : undefined),
        });
        return saveAs(layered, '', '.psd');
      }
      case 'svg':
        return saveAs(sceneToSvg(scene), 'image/svg+xml', '-outlines.svg');
      case 'coco':
        return json(sceneToCoco(scene, { fileName: photo.name }), '-coco.json');
      case 'geojson':
        return json(sceneToGeoJson(scene), '-outlines.geojson');
      case 'json':
        return json({ image: photo.name, ...scene, selected: selected?.id ?? null }, '-scene.json');
    }
  }

  #buttons(): NodeListOf<HTMLButtonElement> {
    return this.#menu.querySelectorAll<HTMLButtonElement>('[data-format]');
  }
}
