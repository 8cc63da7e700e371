// Drives WebKitGTK through its own WebDriver, on an X server without a screen.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { needWebKitDriver } from '../../scripts/needs.mjs';
import { type Browser, BUTTONS, type Button, type Command, type Step, whole } from './driver.js';
import { type Program, start, until } from './programs.js';

const COMMANDS: Record<Command, [method: string, path: string]> = {
  Navigate: ['POST', 'url'],
  SetWindowRect: ['POST', 'window/rect'],
  ExecuteScript: ['POST', 'execute/sync'],
  PerformActions: ['POST', 'actions'],
  TakeScreenshot: ['GET', 'screenshot'],
};

type Paths = Record<'WEBKIT' | 'WEBKIT_DRIVER' | 'XDOTOOL' | 'XVFB', string>;

export const webkit: Browser = {
  find: needWebKitDriver,

  async open(folder) {
    const { WEBKIT, WEBKIT_DRIVER, XDOTOOL, XVFB } = needWebKitDriver() as Paths;
    const programs: Program[] = [];
    const endAll = async () => {
      for (const program of programs.reverse()) await program.end();
    };
    try {
      const screen = ['-displayfd', '3', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp'];
      const server = start(XVFB, screen, { signal: 'SIGTERM' }); // So it removes its lock.
      programs.push(server);
      const display = await screenOf(server);
      const folders = ['HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'];
      const env = {
        ...Object.fromEntries(folders.map((name) => [name, folder])),
        DISPLAY: `:${display}`,
        GDK_BACKEND: 'x11',
        LIBGL_ALWAYS_SOFTWARE: '1',
        NO_AT_BRIDGE: '1',
      };
      const xdotool = async (args: string[]) => {
        const options = { env: { ...process.env, ...env }, timeout: 120_000 };
        await promisify(execFile)(XDOTOOL, args, options);
      };
      const port = await freePort();
      const driver = start(WEBKIT_DRIVER, [`--port=${port}`], { env });
      programs.push(driver);
      const address = `http://127.0.0.1:${port}`;
      await until("WebKit's driver answers", () => {
        if (driver.process.exitCode !== null) throw new Error(`It ended: ${driver.written()}`);
        return fetch(`${address}/status`).then(
          () => true,
          () => undefined,
        );
      });
      const options = { binary: WEBKIT, args: ['--automation'] };
      const { sessionId } = (await request(`${address}/session`, 'POST', {
        capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } },
      })) as { sessionId: string };
      const session = `${address}/session/${sessionId}`;
      const send = (command: Command, parameters: object) => {
        const [method, path] = COMMANDS[command];
        return request(`${session}/${path}`, method, parameters);
      };
      const bar = { script: 'return outerHeight - innerHeight', args: [] };
      const top = (await send('ExecuteScript', bar)) as number;
      return {
        send,
        instead: {
          mouse: (steps, button) => xdotool(gesture(steps, top, button)),
          wheel(place, deltaY, key) {
            const notch = ['click', deltaY < 0 ? '4' : '5'];
            const there = gesture([place], top);
            return xdotool([...there, 'keydown', key, ...notch, 'keyup', key]);
          },
        },
        async close() {
          await request(session, 'DELETE').catch(() => {}); // It also ends the browser.
          await endAll();
        },
      };
    } catch (error) {
      await endAll();
      throw error;
    }
  },
};

/**
 * Gives the arguments with which xdotool does a gesture. The window is at the top left of the
 * screen, and the page below its bar.
 */
function gesture(steps: Step[], top: number, button: Button = 'left'): string[] {
  const number = String(BUTTONS.indexOf(button) + 1);
  return steps.flatMap((step) => {
    if (typeof step === 'string') return [step === 'down' ? 'mousedown' : 'mouseup', number];
    const { x, y } = whole(step);
    return ['mousemove', String(x), String(y + top)];
  });
}

/** Gives the number of the screen that the X server has opened. */
async function screenOf(server: Program): Promise<string> {
  const number = await Promise.race([
    once(server.process.stdio[3] as Readable, 'data').then(String),
    once(server.process, 'exit').then(() => undefined),
  ]);
  if (number === undefined) throw new Error(`Xvfb did not start: ${server.written()}`);
  return number.trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function request(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    ...(method === 'POST' && { body: JSON.stringify(body) }),
  });
  const { value } = (await response.json()) as { value: { message?: string } | null };
  if (!response.ok) throw new Error(`WebDriver: ${value?.message}`);
  return value;
}
