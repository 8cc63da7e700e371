#!/usr/bin/env node
// A linker for browser modules. It removes the static constructors from all objects and then runs
// rust-lld, whose path is in AIMS_RUST_LLD.
//
// burn's kernel compiler registers its operations in thousands of static constructors. Nothing here
// uses them, but everything that a constructor names is linked and would make up half of the
// module. After link-time optimisation the whole program is one object.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const CUSTOM = 0;
const INIT_FUNCS = 6; // https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md

/** Reads the number (LEB128) at `at`. Returns it and the position after it. */
function number(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

function leb(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Uint8Array.from([...bytes, value]);
}

/** Yields the parts of a list of `type, size, content` between two positions. */
function* parts(bytes, at, end) {
  while (at < end) {
    const type = bytes[at];
    const [size, start] = number(bytes, at + 1);
    yield {
      type,
      bytes: bytes.subarray(at, start + size),
      content: bytes.subarray(start, start + size),
    };
    at = start + size;
  }
}

/** Returns the "linking" section without the constructors. */
function withoutConstructors(section) {
  const [nameLength, start] = number(section, 0);
  const [, after] = number(section, start + nameLength); // the version
  const kept = [...parts(section, after, section.length)].filter(({ type }) => type !== INIT_FUNCS);
  return Buffer.concat([section.subarray(0, after), ...kept.map(({ bytes }) => bytes)]);
}

function isLinking(section) {
  const [length, start] = number(section, 0);
  return Buffer.from(section.subarray(start, start + length)).toString() === 'linking';
}

function strip(object) {
  const sections = [...parts(object, 8, object.length)].map(({ type, bytes, content }) => {
    if (type !== CUSTOM || !isLinking(content)) return bytes;
    const section = withoutConstructors(content);
    return Buffer.concat([Uint8Array.of(CUSTOM), leb(section.length), section]);
  });
  return Buffer.concat([object.subarray(0, 8), ...sections]);
}

const folder = mkdtempSync(join(tmpdir(), 'aims-link-'));
const args = process.argv.slice(2).map((argument) => {
  if (!argument.endsWith('.o')) return argument;
  const copy = join(folder, basename(argument));
  writeFileSync(copy, strip(readFileSync(argument)));
  return copy;
});
const flavour = args.includes('-flavor') ? [] : ['-flavor', 'wasm'];
const { status } = spawnSync(process.env.AIMS_RUST_LLD, [...flavour, ...args], {
  stdio: 'inherit',
});
rmSync(folder, { recursive: true });
process.exit(status ?? 1);
