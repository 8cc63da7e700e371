// The app: what the user does, and what the page shows for it.
import { type Box, type Level, type Mask, type Prompt, SegmenterError } from 'aims-web';
import { byId } from './dom.js';
import { saveCutout, saveScene } from './downloads.js';
import { explain, isAbort, type Remedy } from './errors.js';
import { Graph } from './graph.js';
import { Panel } from './panel.js';
import { type Job, Session } from './session.js';
import type { Settings } from './settings.js';
import { ofLevel } from './shapes.js';
import { type Point, Stage } from './stage.js';
import { Status } from './status.js';
import { hasLevel, summary, titleFor, type View, viewOf } from './view.js';

interface Photo {
  file: Blob;
  name: string;
  bitmap: ImageBitmap;
}

export class App {
  readonly #session: Session;
  readonly #status: Status;
  readonly #stage: Stage;
  readonly #graph: Graph;
  readonly #panel: Panel;
  readonly #useCpu: () => void;
  #photo: Photo | undefined;
  /** The steps from the whole photo to what is shown. */
  #trail: View[] = [];
  #hovered: Mask | undefined;
  #selected: Mask | undefined;
  #picked: Mask | undefined;
  #job: { controller: AbortController; done: Promise<void> } | undefined;
  #again: () => void = () => {};

  constructor(settings: Settings, useCpu: () => void) {
    this.#session = new Session(settings);
    this.#useCpu = useCpu;
    this.#status = new Status({
      onCancel: () => this.cancel(),
      onRemedy: (remedy) => this.#remedy(remedy),
    });
    const onHover = (mask: Mask | undefined) => this.#hover(mask);
    const onPick = (mask: Mask | undefined, second: boolean) => this.#pick(mask, second);
    this.#stage = new Stage({
      onHover,
      onPick,
      onPoint: (point) => this.#openPoint(point),
      onBox: (box) => this.#openBox(box),
    });
    this.#graph = new Graph(byId('graph'), {
      onHover,
      onPick: (mask, second) => onPick(mask, second || this.#stage.pairTool),
    });
    this.#panel = new Panel({ onStep: (depth) => this.#back(depth), onFind: () => this.find() });
  }

  /** Loads the model before the first photo is opened. */
  start(): void {
    void this.#run(async (job) => {
      await this.#ready(job);
      this.#status.say('Ready. Open a photo or choose a sample.');
    });
  }

  open(file: Blob, name: string): void {
    void this.#run(async (job) => {
      const before = { photo: this.#photo, trail: this.#trail };
      // The library decodes the file and reports what is wrong with it. This bitmap is only for
      // display.
      const bitmap = await createImageBitmap(file).catch(() => undefined);
      if (bitmap) this.#show({ file, name, bitmap }, []);
      try {
        await this.#ready(job);
        await this.#session.encode(file, job);
        if (!bitmap)
          throw new SegmenterError(
            'unsupported-image',
            'This browser cannot show it. Save it as a PNG or JPEG file and open that.',
          );
      } catch (error) {
        this.#show(before.photo, before.trail);
        bitmap?.close();
        throw error;
      }
      before.photo?.bitmap.close();
      await this.#segment({ kind: 'full' }, [], 0, job);
    });
  }

  apply(settings: Settings): void {
    this.#session.configure(settings);
    if (this.#photo) this.find();
    else this.start();
  }

  /** Finds the masks of the whole photo again. */
  find(): void {
    this.#openPrompt({ kind: 'full' }, [], 0);
  }

  setLevel(level: Level): void {
    const view = this.#trail.at(-1);
    if (!view || !hasLevel(view.scene, level)) return;
    view.level = level;
    this.#hovered = undefined;
    this.#render();
  }

  setPairTool(on: boolean): void {
    this.#stage.pairTool = on;
    if (!on) this.#picked = undefined;
    this.#render();
  }

  setBoxTool(on: boolean): void {
    this.#stage.boxTool = on;
  }

  cancel(): void {
    this.#job?.controller.abort();
  }

  /** Ends one thing: the drag, the work under way, the picked entity, or the last step. */
  escape(): void {
    if (this.#stage.cancelDrag()) return;
    if (this.#job) this.cancel();
    else if (this.#picked) {
      this.#picked = undefined;
      this.#render();
    } else if (this.#trail.length > 1) this.#back(this.#trail.length - 2);
  }

  saveCutout(): void {
    if (!this.#photo || !this.#selected) return;
    saveCutout(this.#photo.bitmap, this.#selected, this.#photo.name).catch((error: unknown) =>
      this.fail(error),
    );
  }

  saveScene(): void {
    const view = this.#trail.at(-1);
    if (this.#photo && view) saveScene(view.scene, this.#photo.name);
  }

  fail(error: unknown): void {
    this.#status.showError(explain(error));
  }

  /** Runs one piece of work at a time. New work ends the work before it. */
  async #run(work: (job: Job) => Promise<void>): Promise<void> {
    const before = this.#job;
    before?.controller.abort();
    const controller = new AbortController();
    this.#again = () => void this.#run(work);
    const perform = async () => {
      await before?.done;
      this.#status.clearError();
      try {
        controller.signal.throwIfAborted();
        await work({
          signal: controller.signal,
          onStage: (stage) => this.#status.busy(stage),
          onProgress: (progress) => this.#status.progress(progress),
        });
      } catch (error) {
        this.#status.say(isAbort(error) ? 'Cancelled.' : 'That did not work.');
        if (!isAbort(error)) this.fail(error);
      }
      if (this.#job?.controller !== controller) return;
      this.#job = undefined;
      this.#status.idle();
      this.#render();
    };
    this.#job = { controller, done: perform() };
    await this.#job.done;
  }

  async #ready(job: Job): Promise<void> {
    this.#panel.showAdapter((await this.#session.start(job)).adapter);
  }

  #openPrompt(prompt: Prompt, opened: Mask[], depth: number): void {
    void this.#run(async (job) => {
      await this.#ready(job);
      await this.#segment(prompt, opened, depth, job);
    });
  }

  /** Shows the result as the step at `depth`. It replaces that step and all steps after it. */
  async #segment(prompt: Prompt, opened: Mask[], depth: number, job: Job): Promise<void> {
    if (!this.#photo) return;
    const scene = await this.#session.segment(this.#photo.file, prompt, job);
    const view = viewOf(prompt, scene, opened, titleFor(prompt, opened));
    this.#trail = [...this.#trail.slice(0, depth), view];
    this.#hovered = this.#picked = undefined;
    this.#selected = opened.length === 1 ? opened[0] : undefined;
    this.#graph.show(view);
    this.#status.say(summary(view));
    this.#render();
  }

  #show(photo: Photo | undefined, trail: View[]): void {
    this.#photo = photo;
    this.#trail = trail;
    this.#hovered = this.#selected = this.#picked = undefined;
    this.#stage.show(photo?.bitmap);
    this.#graph.show(trail.at(-1));
    this.#render();
  }

  #back(depth: number): void {
    const left = this.#trail[depth + 1];
    this.#trail = this.#trail.slice(0, depth + 1);
    this.#selected = left?.opened.length === 1 ? left.opened[0] : undefined;
    this.#hovered = this.#picked = undefined;
    this.#graph.show(this.#trail.at(-1));
    this.#render();
  }

  #hover(mask: Mask | undefined): void {
    if (mask === this.#hovered) return;
    this.#hovered = mask;
    this.#render();
  }

  #pick(mask: Mask | undefined, second: boolean): void {
    const view = this.#trail.at(-1);
    if (!view) return;
    if (second) return this.#pickSecond(mask);
    this.#selected = mask;
    this.#picked = undefined;
    if (mask?.level === 'entity')
      this.#openPrompt({ kind: 'entity', mask: mask.rle }, [mask], this.#trail.length);
    else if (mask?.level === 'relation' && view.prompt.kind !== 'entities') {
      this.#openPrompt({ kind: 'relation', mask: mask.rle }, [mask], this.#trail.length);
    }
    this.#render();
  }

  #pickSecond(mask: Mask | undefined): void {
    if (mask?.level !== 'entity') return this.#status.say('Pick two entities.');
    const opened = this.#trail.at(-1)?.opened;
    const first =
      this.#picked ??
      (opened?.length === 1 && opened[0]?.level === 'entity' ? opened[0] : undefined);
    if (!first || first === mask) {
      this.#picked = mask;
      this.#status.say('Now pick a second entity to find their relation.');
      return this.#render();
    }
    const depth = this.#entityDepth() + 1;
    this.#openPrompt({ kind: 'entities', masks: [first.rle, mask.rle] }, [first, mask], depth);
  }

  #openBox(box: Box): void {
    this.#openPrompt({ kind: 'box', box }, [], 1);
  }

  /** Finds one mask at a point outside all masks. It opens like any other. */
  #openPoint({ x, y }: Point): void {
    this.#openPrompt({ kind: 'points', points: [{ x, y, label: 1 }] }, [], 1);
  }

  /** Gives the last step whose result has entities to choose from. */
  #entityDepth(): number {
    return this.#trail.findLastIndex(
      ({ scene, prompt }) => prompt.kind !== 'entities' && hasLevel(scene, 'entity'),
    );
  }

  #render(): void {
    const view = this.#trail.at(-1);
    const entities = this.#trail[this.#entityDepth()]?.scene;
    this.#stage.update({
      masks: view ? ofLevel(view.scene, view.level) : [],
      others:
        entities && (entities !== view?.scene || view.level !== 'entity')
          ? ofLevel(entities, 'entity')
          : [],
      opened: view?.opened ?? [],
      hovered: this.#hovered,
      selected: this.#selected,
      picked: this.#picked,
      outlinesOnly: view?.level === 'relation',
    });
    this.#graph.highlight(this.#hovered, this.#selected ?? this.#picked);
    const waiting = this.#photo && !view ? (this.#job ? 'busy' : 'cancelled') : undefined;
    this.#panel.update(this.#trail, this.#selected, waiting);
  }

  #remedy(remedy: Remedy): void {
    if (remedy === 'use-cpu') this.#useCpu();
    else this.#again();
  }
}
