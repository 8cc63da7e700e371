// Starts programs, and ends them with everything that they have started.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Program {
  process: ChildProcess;
  /** Gives the end of what it has written, for messages. */
  written(): string;
  end(): Promise<void>;
}

const running = new Set<() => void>();

/** Programs are not in the group of this process, so they would live on without this. */
process.on('exit', () => running.forEach((kill) => kill()));

/** Starts a program as the leader of a process group. It can also write to the pipe 3. */
export function start(
  path: string,
  args: string[],
  {
    env = {},
    signal = 'SIGKILL',
  }: { env?: Record<string, string>; signal?: 'SIGKILL' | 'SIGTERM' } = {},
): Program {
  const child = spawn(path, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has already ended.
    }
  };
  running.add(kill);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream!.on('data', (more) => (text = (text + more).slice(-4000)));
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', (error) => {
      text += error.message;
      resolve();
    });
  });
  const end = async () => {
    kill();
    await ended;
    running.delete(kill);
  };
  return { process: child, written: () => text, end };
}

/** Asks until there is an answer. It fails after a minute, and says what it waited for. */
export async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined) {
  const limit = Date.now() + 60_000;
  while (Date.now() < limit) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(100);
  }
  throw new Error(`Waited a minute for this: ${what}.`);
}
