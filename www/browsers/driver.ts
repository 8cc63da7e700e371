// This is all that the tests can do with a browser. Both browsers understand the same commands of WebDriver.
import { setTimeout as sleep } from 'node:timers/promises';

/** The commands that are used here, by the names that Firefox gives them. */
export type Command =
  | 'Navigate'
  | 'SetWindowRect'
  | 'ExecuteScript'
  | 'PerformActions'
  | 'TakeScreenshot';

/** A browser that has been started. */
export interface Session {
  send(command: Command, parameters: object): Promise<unknown>;
  /** Does what the browser's WebDriver cannot do. */
  instead?: {
    /** A gesture with the middle or the right button. */
    mouse(steps: Step[], button: Button): Promise<void>;
    /** One notch of the wheel while a key is held. */
    wheel(place: Place, deltaY: number, key: 'Alt'): Promise<void>;
  };
  /** Ends the browser, and removes its files. */
  close(): Promise<void>;
}

/** A browser that may be on this machine. */
export interface Browser {
  /** Throws if the browser is not installed and cannot be. */
  find(): unknown;
  /** `folder` is empty. The browser keeps its files and saves downloads there. */
  open(folder: string): Promise<Session>;
}

/** Keys that are no letters, as WebDriver writes them. */
const KEYS: Record<string, string> = {
  Enter: '\uE007',
  Shift: '\uE008',
  Control: '\uE009',
  Alt: '\uE00A',
  Escape: '\uE00C',
  Space: ' ',
  End: '\uE010',
  Home: '\uE011',
  ArrowLeft: '\uE012',
  ArrowUp: '\uE013',
  ArrowRight: '\uE014',
  ArrowDown: '\uE015',
};

export type Button = 'left' | 'middle' | 'right';
export const BUTTONS: readonly Button[] = ['left', 'middle', 'right'];

/** A place on the page, in CSS pixels from its top left. */
export type Place = [x: number, y: number];
/** A step of a gesture of the mouse: to a place, or a button that is pressed or released. */
export type Step = Place | 'down' | 'up';

/** Real keys and a real mouse. The mouse stands on whole pixels. */
export class Driver {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open(url: string): Promise<void> {
    await this.#send('Navigate', { url });
  }

  /** Calls a function in the page. It must not use anything outside itself. */
  async evaluate<A extends unknown[], R>(body: (...args: A) => R, ...args: A): Promise<Awaited<R>> {
    const script = `return (${body})(...arguments)`;
    return (await this.#send('ExecuteScript', { script, args })) as Awaited<R>;
  }

  /**
   * Does all steps of a gesture in one command, because WebKit's driver does not remember buttons
   * from one command to the next.
   */
  async mouse(steps: Step[], button: Button = 'left'): Promise<void> {
    if (button !== 'left' && this.#session.instead)
      return this.#session.instead.mouse(steps, button);
    const actions = steps.map((step) => actionOf(step, button));
    const parameters = { pointerType: 'mouse' };
    await this.#perform({ type: 'pointer', id: 'mouse', parameters, actions });
  }

  /**
   * Fingers that do their steps at the same time, as many each. A number is a pause in milliseconds.
   * WebKitGTK's driver knows no fingers.
   */
  async touch(fingers: (Step | number)[][]): Promise<void> {
    const actions = (steps: (Step | number)[]) =>
      steps.map((step) =>
        typeof step === 'number' ? { type: 'pause', duration: step } : actionOf(step, 'left'),
      );
    const parameters = { pointerType: 'touch' };
    await this.#perform(
      ...fingers.map((steps, finger) => ({
        type: 'pointer',
        id: `finger ${finger}`,
        parameters,
        actions: actions(steps),
      })),
    );
  }

  async wheel(place: Place, deltaY: number, key?: 'Alt'): Promise<void> {
    if (key && this.#session.instead) return this.#session.instead.wheel(place, deltaY, key);
    const scroll = { type: 'scroll', ...whole(place), deltaX: 0, deltaY, duration: 0 };
    if (key) await this.keyDown(key);
    await this.#perform({ type: 'wheel', id: 'wheel', actions: [scroll] });
    if (key) await this.keyUp(key);
  }

  keyDown(key: string): Promise<void> {
    return this.#key('keyDown', key);
  }

  keyUp(key: string): Promise<void> {
    return this.#key('keyUp', key);
  }

  /** Presses a key, with others held: `Control+z`. */
  async press(keys: string): Promise<void> {
    const names = keys === '+' ? ['+'] : keys.split('+');
    for (const key of names) await this.keyDown(key);
    for (const key of names.reverse()) await this.keyUp(key);
  }

  /** Gives a picture of the page as PNG. */
  async screenshot(): Promise<Buffer> {
    const data = await this.#send('TakeScreenshot', { full: false });
    return Buffer.from(data as string, 'base64');
  }

  #key(type: 'keyDown' | 'keyUp', key: string): Promise<void> {
    const value = KEYS[key] ?? key;
    return this.#perform({ type: 'key', id: 'keys', actions: [{ type, value }] });
  }

  async #perform(...actions: object[]): Promise<void> {
    await this.#send('PerformActions', { actions });
  }

  #send(command: Command, parameters: object): Promise<unknown> {
    const late = sleep(120_000, undefined, { ref: false }).then(() => {
      throw new Error(`The browser did not answer "${command}" within two minutes.`);
    });
    return Promise.race([this.#session.send(command, parameters), late]);
  }
}

/** Gives a step as WebDriver writes it. */
const actionOf = (step: Step, button: Button) =>
  typeof step === 'string'
    ? { type: step === 'down' ? 'pointerDown' : 'pointerUp', button: BUTTONS.indexOf(button) }
    : { type: 'pointerMove', ...whole(step), duration: 0 };

export const whole = ([x, y]: Place) => ({ x: Math.round(x), y: Math.round(y) });
