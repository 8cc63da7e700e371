// What the tools have in common. A tool gets what the pointer does, in pixels of the photo.

import type { Point } from '../view/camera.js';
import type { Draw } from '../view/viewport.js';

export type ToolName = 'pick' | 'box' | 'brush' | 'lasso' | 'edge' | 'pair' | 'move';

/** Where the pointer is, and which keys are held. */
export interface At extends Point {
  /** The place on the screen, in CSS pixels from the top left of the view. */
  screen: Point;
  shift: boolean;
  alt: boolean;
}

export interface Tool {
  /** True if a finger that moves pans the photo. The tool then gets only its taps. */
  readonly fingerPans?: boolean;
  /** Called when the tool is put away. */
  leave?(): void;
  /** The pointer moves without being pressed. It is undefined when it has left. */
  hover?(at: At | undefined): void;
  /** The pointer is pressed and has begun to move; `at` is where it was pressed. */
  start?(at: At): void;
  drag?(at: At): void;
  end?(at: At): void;
  /** The drag counts for nothing. */
  cancel?(): void;
  /** The pointer was pressed and released in one place. */
  click?(at: At): void;
  doubleClick?(at: At): void;
  /** The pointer was held for long, or its second button was clicked. */
  menu?(at: At): void;
  /** The wheel was turned while Alt is held; 1 is up. */
  turn?(step: 1 | -1, at: At): void;
  /** Handles a key. Returns true if the key was for this tool. */
  key?(event: KeyboardEvent): boolean;
  /** Draws what is being done. */
  draw?: Draw;
}
