// The app: its parts, and what is shown after each change.
import { byId } from './dom.js';
import { CutOuts } from './edit/cut-outs.js';
import { Editor } from './edit/editor.js';
import { DragOut } from './export/drag-out.js';
import { Exports } from './export/exports.js';
import { BackdropPanel } from './panels/backdrop-panel.js';
import { Divider } from './panels/divider.js';
import { EdgePanel } from './panels/edge-panel.js';
import { Graph } from './panels/graph.js';
import { SelectionPanel } from './panels/selection-panel.js';
import { Status } from './panels/status.js';
import { Trail } from './panels/trail.js';
import { ZoomBar } from './panels/zoom-bar.js';
import { Jobs } from './session/jobs.js';
import { Session } from './session/session.js';
import type { Settings } from './session/settings.js';
import { Work } from './session/work.js';
import { Toolbox } from './tools/toolbox.js';
import { Gestures } from './view/gestures.js';
import { watchOutlines } from './view/outlines.js';
import { overlayOf } from './view/overlay.js';
import type { Pyramid } from './view/pyramid.js';
import { drawResult } from './view/result.js';
import { Viewport } from './view/viewport.js';

export class App {
  readonly editor = new Editor();
  readonly status = new Status();
  readonly jobs = new Jobs(this.status);
  readonly viewport = new Viewport();
  readonly session: Session;
  readonly work: Work;
  readonly cutOuts: CutOuts;
  readonly exports: Exports;
  readonly toolbox: Toolbox;
  readonly zoomBar = new ZoomBar(this.viewport);
  readonly selectionPanel: SelectionPanel;
  readonly backdropPanel: BackdropPanel;
  readonly #gestures: Gestures;
  readonly #divider: Divider;
  readonly #trail: Trail;
  readonly #graph: Graph;
  readonly #panels: { update(): void }[];
  #shown: Pyramid | undefined;

  constructor(settings: Settings, useCpu: () => void) {
    const { editor, status, jobs, viewport } = this;
    const fail = (error: unknown) => jobs.fail(error);
    const say = (text: string) => status.say(text);
    this.session = new Session(settings);
    this.work = new Work({ editor, status, jobs, session: this.session });
    this.cutOuts = new CutOuts({ editor, jobs, session: this.session });
    this.exports = new Exports({ editor, cutOuts: this.cutOuts, say, fail });
    const options = { size: 24, exact: false };
    this.toolbox = new Toolbox({ editor, work: this.work, viewport, options, say });
    this.#gestures = new Gestures(viewport, () => this.toolbox.tool);
    this.#divider = new Divider(viewport.element, () => viewport.redraw('photo'));
    this.selectionPanel = new SelectionPanel(editor, this.work);
    this.backdropPanel = new BackdropPanel(editor, fail);
    this.#trail = new Trail(editor, () => this.work.find());
    this.#graph = new Graph({
      onHover: (mask) => editor.hover(mask),
      onPick: (mask, keys) => this.toolbox.pick(mask, keys),
      onOpen: (mask) => this.work.openMask(mask),
    });
    const dragOut = new DragOut(editor, this.exports);
    watchOutlines(() => {
      viewport.redraw('masks', 'overlay');
      dragOut.update();
    });
    this.#panels = [
      this.selectionPanel,
      new EdgePanel(editor),
      this.backdropPanel,
      this.exports,
      dragOut,
      this.cutOuts,
    ];
    byId('undo').addEventListener('click', () => editor.undo());
    byId('redo').addEventListener('click', () => editor.redo());
    byId('put-back').addEventListener('click', () => editor.edit({ offset: { x: 0, y: 0 } }));
    status.onCancel = () => jobs.cancel();
    status.onRemedy = (remedy) => (remedy === 'use-cpu' ? useCpu() : jobs.again());
    jobs.onIdle = () => this.#render();
    viewport.onMove = () => this.zoomBar.update();
    editor.watch(() => this.#render());
    this.#render();
  }

  apply(settings: Settings): void {
    this.session.configure(settings);
    if (this.editor.photo) this.work.find();
    else this.work.start();
  }

  /** Ends one thing: the drag, the work under way, the picked entity, or the last step. */
  escape(): void {
    const { editor, jobs } = this;
    if (this.#gestures.cancel()) return;
    if (jobs.busy) jobs.cancel();
    else if (editor.picked) {
      editor.picked = undefined;
      editor.changed();
    } else if (editor.state.steps.length > 1) editor.back(editor.state.steps.length - 2);
  }

  #render(): void {
    const { editor, viewport, jobs } = this;
    const { photo, state, step } = editor;
    if (this.#shown !== photo?.pyramid) viewport.showPhoto((this.#shown = photo?.pyramid));
    viewport.showOverlay(overlayOf(editor));
    this.#graph.show(step);
    this.#graph.highlight(editor.hovered?.rle, editor.picked?.rle ?? state.selection);
    this.#trail.update(photo && !step ? (jobs.busy ? 'busy' : 'cancelled') : undefined);
    for (const panel of this.#panels) panel.update();
    this.#showResult();
    byId<HTMLButtonElement>('undo').disabled = !editor.document.history.canUndo;
    byId<HTMLButtonElement>('redo').disabled = !editor.document.history.canRedo;
  }

  #showResult(): void {
    const { photo, state, previewing } = this.editor;
    const cutOut = previewing ? this.cutOuts.shown : undefined;
    this.#divider.show(cutOut !== undefined);
    if (!photo || !cutOut) return this.viewport.showResult(undefined);
    const result = { photo: photo.pyramid, cutOut, state };
    this.viewport.showResult((pen) => drawResult(pen, result, this.#divider.line));
  }
}
