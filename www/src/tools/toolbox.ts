// The tool rail: which tool is in use, and the options of that tool.
import type { Mask } from 'aims-web';
import { byId } from '../dom.js';
import { type Combine, combineFor } from '../edit/selection.js';
import { BoxTool } from './box.js';
import { Brush } from './brush.js';
import { EdgeBrush } from './edge-brush.js';
import { Lasso } from './lasso.js';
import { Move } from './move.js';
import type { Bench } from './options.js';
import { Pair } from './pair.js';
import { Pick } from './pick.js';
import type { Tool, ToolName } from './tool.js';

export const TOOL_KEYS: Record<string, ToolName> = {
  v: 'pick',
  m: 'box',
  b: 'brush',
  l: 'lasso',
  e: 'edge',
  p: 'pair',
  t: 'move',
};

export class Toolbox {
  readonly #pair: Pair;
  readonly #bench: Bench;
  readonly #tools: Record<ToolName, Tool>;
  #name: ToolName = 'pick';

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#pair = new Pair(bench);
    this.#tools = {
      pick: new Pick(bench),
      box: new BoxTool(bench),
      brush: new Brush(bench),
      lasso: new Lasso(bench),
      edge: new EdgeBrush(bench),
      pair: this.#pair,
      move: new Move(bench),
    };
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-tool]'))
      button.addEventListener('click', () => this.use(button.dataset.tool as ToolName));
    byId('combine').addEventListener('change', (event) => {
      bench.editor.combine = (event.target as HTMLInputElement).value as Combine;
    });
    byId('brush-size').addEventListener('input', (event) => {
      bench.options.size = Number((event.target as HTMLInputElement).value);
    });
    byId('exact').addEventListener('change', (event) => {
      bench.options.exact = (event.target as HTMLInputElement).checked;
    });
    this.use('pick');
  }

  get tool(): Tool {
    return this.#tools[this.#name];
  }

  use(name: ToolName): void {
    this.tool.leave?.();
    this.#name = name;
    document.body.dataset.tool = name;
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-tool]'))
      button.setAttribute('aria-pressed', String(button.dataset.tool === name));
    this.#bench.viewport.setTool(this.tool.draw ?? (() => {}));
  }

  /** Picks a mask outside the view, in the graph. */
  pick(mask: Mask, keys: { shift: boolean; alt: boolean }): void {
    const { editor } = this.#bench;
    if (this.#name === 'pair') this.#pair.pick(mask);
    else editor.select(mask, combineFor(keys, editor.combine));
  }
}
