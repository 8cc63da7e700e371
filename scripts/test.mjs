// npm test: runs every check, two at a time. If one fails, the others still run.
// To run a part: npm test -- --only native,wasm
// The checks use a browser module that is quick to build. To test the module that ships:
// npm test -- --profile wasm-release
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { CHECKS, EXTRAS, LANES } from './checks.mjs';
import { main, StepError, say } from './lib.mjs';

const { only, lane, check, profile, at } = parseArgs({
  options: {
    only: { type: 'string' },
    lane: { type: 'string' },
    // Runs one check in this process. Without it, every check has a process of its own.
    check: { type: 'string' },
    profile: { type: 'string', default: 'wasm-dev' },
    // How many checks run at a time.
    at: { type: 'string', default: '2' },
  },
}).values;

function chosen() {
  if (lane !== undefined && !Object.hasOwn(LANES, lane)) {
    throw new StepError(
      `There is no lane "${lane}". Choose from: ${Object.keys(LANES).join(', ')}.`,
    );
  }
  const names = check ? [check] : lane ? LANES[lane] : only?.split(',');
  if (!names) return Object.keys(CHECKS).filter((name) => !EXTRAS.includes(name));
  const unknown = names.find((name) => !Object.hasOwn(CHECKS, name));
  if (unknown !== undefined)
    throw new StepError(
      `There is no check "${unknown}". Choose from: ${Object.keys(CHECKS).join(', ')}.`,
    );
  return Object.keys(CHECKS).filter((name) => names.includes(name));
}

/** What a failed check printed last is printed again at the end: so many lines of it. */
const TAIL = 60;

/**
 * Runs one check in a process of its own. Returns its line for the summary, and the end of its
 * output if it failed.
 */
async function made(name) {
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [import.meta.filename, '--check', name, '--profile', profile],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const lines = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      console.log(`${name.padEnd(WIDTH)} | ${line}`);
      lines.push(line);
      if (lines.length > TAIL) lines.shift();
    });
  const [status] = await once(child, 'close');
  const why = lines.join('\n').match(UNABLE)?.[1];
  const result = status !== 0 ? 'FAILED' : why ? 'skipped' : 'passed';
  const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
  const line = `${result.padEnd(7)} ${name.padEnd(WIDTH)} ${why ? `because ${why}` : took}`;
  console.log(line);
  return { result, line, name, tail: lines.join('\n') };
}

const WIDTH = Math.max(...Object.keys(CHECKS).map((name) => name.length));

/** The line with which a check says that it cannot run here. */
const UNABLE = /^==> Skipped because (.*)$/m;

/** A check throws if it fails. */
function runCheck(name) {
  say(`Check: ${name}`);
  const unable = CHECKS[name].run(profile);
  if (unable) say(`Skipped because ${unable}`);
}

/** Runs checks, as many `at` a time as given. Returns the results in the order of `names`. */
async function runAll(names, at) {
  const results = new Map();
  const waiting = [...names];
  const running = new Map();
  /** Checks whose predecessor was not chosen do not wait for it. */
  const mayBegin = (name) => {
    const { after, folder, alone } = CHECKS[name];
    const others = [...running.keys()].map((other) => CHECKS[other]);
    const isBlocked = names.includes(after) && !results.has(after);
    const isDisturbed = others.some((other) => alone || other.alone);
    const isBusy = others.some((other) => folder && other.folder === folder);
    return !isBlocked && !isDisturbed && !isBusy;
  };
  while (waiting.length + running.size > 0) {
    while (running.size < at && waiting.some(mayBegin)) {
      const [name] = waiting.splice(waiting.findIndex(mayBegin), 1);
      const end = (result) => {
        results.set(name, result);
        running.delete(name);
      };
      running.set(name, made(name).then(end));
    }
    await Promise.race(running.values());
  }
  return names.map((name) => results.get(name));
}

async function runChecks() {
  if (!(Number(at) >= 1))
    throw new StepError(`--at is ${at}. It must be the number of checks that run at a time.`);
  const checks = await runAll(chosen(), Number(at));
  const count = (wanted) => checks.filter(({ result }) => result === wanted).length;
  const failed = checks.filter(({ result }) => result === 'FAILED');
  // This is printed again at the end, where people look first.
  for (const { name, tail } of failed) console.error(`\n==> The end of ${name}:\n${tail}`);
  console.log(`\n${checks.map(({ line }) => line).join('\n')}`);
  console.log(
    `${count('passed')} passed, ${failed.length} failed${count('skipped') ? `, ${count('skipped')} skipped` : ''}`,
  );
  if (failed.length) process.exitCode = 1;
}

main(() => (check === undefined ? runChecks() : chosen().forEach(runCheck)));
