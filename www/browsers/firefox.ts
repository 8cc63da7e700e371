// Drives Firefox through Marionette, its own way to take WebDriver's commands: a socket with
// packets of JSON. So no other program is needed between the tests and Firefox.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { needFirefox } from '../../scripts/needs.mjs';
import type { Browser } from './driver.js';
import { start, until } from './programs.js';

type Reply = [type: 1, id: number, error: { message: string } | null, result: unknown];

export const firefox: Browser = {
  find: needFirefox,

  async open(folder) {
    const settings = {
      'marionette.port': 0, // Firefox chooses a free one, and writes it to a file.
      'browser.download.dir': folder,
      'browser.download.folderList': 2,
      'browser.download.alwaysOpenPanel': false, // It would take the keys.
    };
    const lines = Object.entries(settings).map(
      ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(folder, 'user.js'), lines.join(''));
    const args = ['--headless', '--no-remote', '--marionette', '--profile', folder];
    const program = start(needFirefox(), args);
    try {
      const port = await until('Firefox opens its port for tests', () => {
        if (program.process.exitCode !== null) throw new Error(`It ended: ${program.written()}`);
        return portIn(join(folder, 'MarionetteActivePort'));
      });
      const { send, close } = await marionette(port);
      await send('WebDriver:NewSession', {});
      return {
        async send(command, parameters) {
          const result = await send(`WebDriver:${command}`, parameters);
          return (result as { value?: unknown } | null)?.value;
        },
        async close() {
          close();
          await program.end();
        },
      };
    } catch (error) {
      await program.end();
      throw error;
    }
  },
};

function portIn(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/** Each packet is the length of a message in bytes, a colon, and the message. */
async function marionette(port: number) {
  const socket = connect(port, '127.0.0.1');
  const waiting = new Map<number, (reply: Reply) => void>();
  let unread = Buffer.alloc(0);
  socket.on('data', (data) => {
    unread = Buffer.concat([unread, data]);
    for (;;) {
      const colon = unread.indexOf(':');
      const end = colon + 1 + Number(unread.subarray(0, colon));
      if (colon < 0 || unread.length < end) return;
      const message = JSON.parse(unread.subarray(colon + 1, end).toString());
      unread = unread.subarray(end);
      if (Array.isArray(message)) waiting.get(message[1])?.(message as Reply);
    }
  });
  let broken: Error | undefined;
  socket.on('error', (error) => (broken = error));
  socket.on('close', () => {
    broken ??= new Error('Firefox has closed the connection.');
    for (const [id, answer] of waiting) answer([1, id, broken, null]);
  });
  let sent = 0;
  const send = async (name: string, parameters: object): Promise<unknown> => {
    if (broken) throw broken;
    const id = ++sent;
    const text = JSON.stringify([0, id, name, parameters]);
    const answered = new Promise<Reply>((resolve) => waiting.set(id, resolve));
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    const [, , error, result] = await answered;
    waiting.delete(id);
    if (error) throw new Error(`${name}: ${error.message}`);
    return result;
  };
  return { send, close: () => socket.destroy() };
}
