// The public TypeScript surface in one file for each entry point: what it exports and whatever that refers to, without comments and in
// a stable order. Review sees every change of it; `pkg/test/api.test.js` holds what tsc builds to it. `npm run api -w pkg` writes it anew.
// It reads tsc's declarations as text, whose form is regular; what it does not know, it refuses.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FOLDER = import.meta.dirname;
const DIST = join(FOLDER, '..', 'dist');
/** Names of files in dist and here. The second refers to the first. */
export const ENTRIES = ['index.d.ts', 'psd.d.ts'];

export const pathOf = (entry) => join(FOLDER, entry);

const modules = new Map();

/** A file's declarations by name (several where they merge or overload), what it imports, and what it passes on. */
function load(path) {
  if (modules.has(path)) return modules.get(path);
  const module = { path, declared: new Map(), exported: new Map(), imported: new Map(), stars: [] };
  modules.set(path, module);
  const file = (from) => join(dirname(path), from.replace(/\.js$/, '.d.ts'));
  for (const text of statements(withoutComments(readFileSync(path, 'utf8')))) {
    let match;
    if (text === 'export {};') continue;
    if ((match = /^export (type )?\* from '(\..+)';$/.exec(text))) {
      module.stars.push({ from: file(match[2]), isType: Boolean(match[1]) });
    } else if ((match = /^(import|export) (type )?\{ (.+) \} from '(\..+)';$/.exec(text))) {
      for (const item of match[3].split(', ')) {
        const [, type, name, as = name] = /^(type )?(\w+)(?: as (\w+))?$/.exec(item);
        const link = { from: file(match[4]), name, isType: Boolean(match[2] || type) };
        (match[1] === 'import' ? module.imported : module.exported).set(as, link);
      }
    } else if ((match = /^(export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const) (\w+)/.exec(text))) {
      const [, isExported, name] = match;
      module.declared.set(name, [...(module.declared.get(name) ?? []), text.replace(/^export /, '')]);
      if (isExported) module.exported.set(name, { from: path, name, isType: false });
    } else {
      throw new Error(`${path}: this kind of statement is new here: ${text}`);
    }
  }
  return module;
}

function withoutComments(text) {
  const withStrings = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\/\*[^]*?\*\/|\/\/.*/g;
  return text.replaceAll(withStrings, (found) => (found.startsWith('/') ? '' : found));
}

/** Those of tsc begin and end at the left margin. */
function statements(text) {
  const found = [];
  let lines = [];
  for (const line of text.split('\n').map((line) => line.trimEnd()).filter((line) => line.trim() !== '')) {
    lines.push(line);
    const isBlock = /^(export )?(declare )?(abstract )?(class|interface) /.test(lines[0]);
    if (isBlock ? /^\}$|^\S.*\}$/.test(line) : /^\S.*;$/.test(line)) {
      found.push(lines.join('\n'));
      lines = [];
    }
  }
  if (lines.length > 0) throw new Error(`This statement has no end: ${lines.join('\n')}`);
  return found;
}

/** All names that a module exports, and where each is declared. */
function exportsOf(path) {
  const module = load(path);
  const names = new Map();
  for (const { from, isType } of module.stars) {
    for (const [name, origin] of exportsOf(from)) names.set(name, { ...origin, isType: isType || origin.isType });
  }
  for (const [name, { from, name: original, isType }] of module.exported) {
    const origin = from === path ? { module, name } : exportsOf(from).get(original);
    names.set(name, { ...origin, isType: isType || Boolean(origin.isType) });
  }
  return names;
}

/** What a name in a module means, if it is one of this package. */
function lookUp(module, name) {
  if (module.declared.has(name)) return { module, name };
  const link = module.imported.get(name);
  return link && exportsOf(link.from).get(link.name);
}

const isTypeOnly = (texts) => texts.every((text) => /^(declare )?(interface|type) /.test(text));
const byName = (a, b) => (a < b ? -1 : 1);

/** The text of an entry's file. */
export function rollUp(entry) {
  const own = exportsOf(join(DIST, entry));
  const shared = entry === ENTRIES[0] ? new Map() : exportsOf(join(DIST, ENTRIES[0]));
  const taken = new Map(); // name to where it is declared
  const imported = new Set();
  const take = (name, origin) => {
    if (!own.has(name) && shared.has(name)) return void imported.add(name);
    const before = taken.get(name);
    if (before) {
      if (before.module !== origin.module) throw new Error(`Two things are called ${name}: in ${before.module.path} and ${origin.module.path}.`);
      return;
    }
    taken.set(name, origin);
    for (const text of origin.module.declared.get(origin.name)) {
      for (const [word] of text.replaceAll(/'[^']*'/g, '').matchAll(/\b[A-Za-z_]\w*\b/g)) {
        const found = word === origin.name ? undefined : lookUp(origin.module, word);
        // Members and parameters may be called as something is that is declared beside them.
        if (found && new RegExp(`\\b${word}\\b(?!\\??:)`).test(text)) take(word, found);
      }
    }
  };
  for (const [name, origin] of own) take(name, origin);

  const lines = ['// Written by `npm run api -w pkg`. What this entry point exports.'];
  if (imported.size > 0) lines.push(`import type { ${[...imported].sort(byName).join(', ')} } from './${ENTRIES[0].replace('.d.ts', '.js')}';`);
  for (const name of [...taken.keys()].sort(byName)) {
    const { module, name: original } = taken.get(name);
    const texts = module.declared.get(original);
    const isExported = own.has(name);
    // `export type` of a class: there is the type, but not the class.
    const isTypeOfValue = isExported && own.get(name).isType && !isTypeOnly(texts);
    for (const text of texts) lines.push('', isExported && !isTypeOfValue ? `export ${text}` : text);
    if (isTypeOfValue) lines.push(`export type { ${name} };`);
  }
  // Without it, all in a file of declarations counts as exported.
  return `${[...lines, '', 'export {};'].join('\n')}\n`;
}

if (process.argv[1] === import.meta.filename) for (const entry of ENTRIES) writeFileSync(pathOf(entry), rollUp(entry));
