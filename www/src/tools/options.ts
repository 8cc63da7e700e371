// The options of the tools, which are not part of what is undone.
import type { Editor } from '../edit/editor.js';
import type { Work } from '../session/work.js';
import type { Viewport } from '../view/viewport.js';

export interface ToolOptions {
  /** The width of brushes, in CSS pixels on the screen. */
  size: number;
  /** True if the brush and the lasso select exactly what is drawn, without asking the network. */
  exact: boolean;
}

/** What the tools work on. */
export interface Bench {
  editor: Editor;
  work: Work;
  viewport: Viewport;
  options: ToolOptions;
  /** Shows a sentence in the status line. */
  say: (text: string) => void;
}
