// What the user asks the network for, and what becomes of its answers.
import { type Candidate, type HasRle, latest, type Prompt, SegmenterError } from 'aims-web';
import type { Editor } from '../edit/editor.js';
import type { Combine } from '../edit/selection.js';
import { type Step, stepOf, summary } from '../edit/step.js';
import type { Status } from '../panels/status.js';
import type { Point } from '../view/camera.js';
import { isAbort } from './errors.js';
import type { Jobs } from './jobs.js';
import type { Job, Session } from './session.js';

export class Work {
  readonly #editor: Editor;
  readonly #session: Session;
  readonly #jobs: Jobs;
  readonly #status: Status;

  constructor(parts: { editor: Editor; session: Session; jobs: Jobs; status: Status }) {
    this.#editor = parts.editor;
    this.#session = parts.session;
    this.#jobs = parts.jobs;
    this.#status = parts.status;
  }

  /** Loads the model, and then does what comes next if there is no photo yet. */
  start(next?: () => void): void {
    void this.#jobs
      .run(async (job) => {
        await this.#ready(job);
        this.#status.say('Ready. Open a photo or choose a sample.');
      })
      .then(() => {
        if (!this.#jobs.busy && !this.#editor.photo && document.body.dataset.device) next?.();
      });
  }

  open(file: Blob, name: string): void {
    const editor = this.#editor;
    void this.#jobs.run(async (job) => {
      const before = editor.document;
      // The library decodes the file and reports what is wrong with it. This bitmap is only for
      // display.
      const bitmap = await createImageBitmap(file).catch(() => undefined);
      if (bitmap) editor.openPhoto({ file, name, bitmap });
      try {
        await this.#ready(job);
        await this.#session.encode(file, job);
        if (!bitmap)
          throw new SegmenterError(
            'unsupported-image',
            'This browser cannot show it. Save it as a PNG or JPEG file and open that.',
          );
      } catch (error) {
        editor.openDocument(before);
        bitmap?.close();
        throw error;
      }
      before.photo?.pyramid.close();
      before.photo?.bitmap.close();
      await this.#segment({ kind: 'full' }, [], 0, job);
    });
  }

  /** Finds the masks of the whole photo again. */
  find(): void {
    this.openPrompt({ kind: 'full' }, [], 0);
  }

  /** Shows what a prompt finds as the step at `depth`. It replaces that step and all after it. */
  openPrompt(prompt: Prompt, opened: Step['opened'], depth: number): void {
    void this.#jobs.run(async (job) => {
      await this.#ready(job);
      await this.#segment(prompt, opened, depth, job);
    });
  }

  /** Finds the one mask that a prompt means, and takes it into the selection. */
  ask(prompt: Prompt, how: Combine): void {
    void this.#jobs.run(async (job) => {
      await this.#ready(job);
      const { photo } = this.#editor;
      if (!photo) return;
      const [mask] = (await this.#session.segment(photo.file, prompt, job)).masks;
      if (!mask) return this.#status.say('Nothing found here.');
      // The mask has no number in the scene that is shown, so only its shape is taken.
      this.#editor.select({ rle: mask.rle }, how);
    });
  }

  /**
   * Gives all answers to a click at a point, the smaller ones first. It gives undefined while other
   * work goes on, and if a newer call has taken its place.
   */
  readonly answers = async (point: Point): Promise<Candidate[] | undefined> => {
    if (!this.#editor.photo || this.#jobs.busy) return undefined;
    try {
      return await this.#latestAnswers(point);
    } catch (error) {
      // A hint that fails is no hint. A click at the same place would show what is wrong.
      if (!isAbort(error)) console.warn(error);
      return undefined;
    }
  };

  readonly #latestAnswers = latest(({ x, y }: Point, { signal }) =>
    this.#session.candidates(this.#editor.photo!.file, { points: [{ x, y, label: 1 }] }, signal),
  );

  /** Finds what is inside a mask: the parts of an entity, the entities of a relation, or both. */
  openMask(mask: HasRle): void {
    const { step, state } = this.#editor;
    if (!step) return;
    const level = 'level' in mask ? mask.level : undefined;
    const depth = state.steps.length;
    if (level === 'relation') this.openPrompt({ kind: 'relation', mask: mask.rle }, [mask], depth);
    else if (level === 'entity') this.openPrompt({ kind: 'entity', mask: mask.rle }, [mask], depth);
    else this.openPrompt({ kind: 'mask', mask: mask.rle }, [mask], depth);
  }

  async #ready(job: Job): Promise<void> {
    this.#status.showAdapter((await this.#session.start(job)).adapter);
  }

  async #segment(prompt: Prompt, opened: Step['opened'], depth: number, job: Job): Promise<void> {
    const editor = this.#editor;
    if (!editor.photo) return;
    const scene = await this.#session.segment(editor.photo.file, prompt, job);
    const step = stepOf(prompt, scene, opened);
    editor.hovered = editor.picked = undefined;
    if (editor.state.steps.length === 0) editor.begin(step);
    else editor.edit({ steps: [...editor.state.steps.slice(0, depth), step] });
    this.#status.say(summary(step));
  }
}
