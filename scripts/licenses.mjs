// npm run licenses: writes pkg/THIRD-PARTY.md, the list of all crates that are compiled into the
// browser module, with their licences. It fails if a licence asks for more than a notice. With
// `--check` it only compares the file.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { main, ROOT, StepError, say } from './lib.mjs';

const TARGET = 'wasm32-unknown-unknown';
const FILE = join(ROOT, 'pkg', 'THIRD-PARTY.md');

/**
 * If a crate offers several licences, the first of them in this list is chosen. The package already
 * has the text of the first one, and the next ones ask for nothing.
 */
const PERMISSIVE = [
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'Unlicense',
  '0BSD',
  'CC0-1.0',
  'MIT-0',
  'BSL-1.0',
  'Zlib',
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Unicode-3.0',
];
/** The licences whose text and copyright lines must be distributed with programs. */
const NEED_NOTICE = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Unicode-3.0'];
/**
 * Crates with other licences that are acceptable too. MPL-2.0 asks to say where the source is, and
 * the list does that.
 */
const ALLOWED = { buildid: 'MPL-2.0', colored: 'MPL-2.0' };

/** Returns the standard output of cargo. Cargo downloads the sources of crates that are missing. */
function cargo(...args) {
  const { status, stdout, stderr } = spawnSync('cargo', [...args, '--locked'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0)
    throw new StepError(
      `\`cargo ${args[0]}\` failed: ${stderr} Check that cargo is installed and crates.io is reachable, and run this again.`,
    );
  return stdout;
}

/**
 * Lists the crates. `cargo tree` knows which features are on, and `cargo metadata` knows where the
 * files of each crate are.
 */
function crates() {
  const { packages } = JSON.parse(
    cargo('metadata', '--format-version', '1', '--filter-platform', TARGET),
  );
  const tree = cargo(
    'tree',
    '--package',
    'aims-web',
    '--target',
    TARGET,
    '--edges',
    'normal,no-proc-macro',
    '--prefix',
    'none',
    '--format',
    '{p}',
  );
  const used = new Set(
    tree
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ').slice(0, 2).join(' ')),
  );
  return packages
    .filter(({ name, version, source }) => source !== null && used.has(`${name} v${version}`))
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

/** Chooses licences from an SPDX expression, or from the older notation with slashes. */
function choose({ name, version, license }) {
  if (ALLOWED[name] === license) return [license];
  const parts = (license ?? 'none')
    .replaceAll(/\s*\/\s*/g, ' OR ')
    .replaceAll(/[()]/g, '')
    .split(' AND ');
  return parts.map((part) => {
    const choices = part.split(' OR ');
    const chosen = PERMISSIVE.find((permissive) => choices.includes(permissive));
    if (chosen === undefined)
      throw new StepError(
        `${name} ${version} has the licence "${license}". Avoid this crate, or read what the licence asks for and add it to scripts/licenses.mjs.`,
      );
    return chosen;
  });
}

/** Returns the lines of a crate that name its copyright holders. */
function copyrights(crate) {
  const folder = dirname(crate.manifest_path);
  const files = readdirSync(folder).filter(
    (name) => /^(licen[cs]e|copying|copyright|notice)/i.test(name) && !/apache/i.test(name),
  );
  const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  const found = lines
    .map((line) => line.trim())
    .filter(
      (line) => /^copyright\b.*(\d{4}|\(c\)|©)/i.test(line) && !/[[{<](yyyy|year|name)/i.test(line),
    );
  if (found.length > 0) return [...new Set(found)].join('; ');
  return crate.authors.length > 0
    ? `by ${crate.authors.map((author) => author.replace(/ <.*/, '')).join(', ')}`
    : `by its authors: ${crate.repository}`;
}

function text(list) {
  const rows = list.map(
    (crate) =>
      `| [${crate.name}](https://crates.io/crates/${crate.name}/${crate.version}) | ${crate.version} | ${crate.license} |`,
  );
  const notices = NEED_NOTICE.map((licence) => [
    licence,
    list.filter((crate) => choose(crate).includes(licence)),
  ]).filter(([, holders]) => holders.length > 0);
  return `<!-- Written by \`npm run licenses\`. -->
# Third-party software

The browser module (\`wasm/\`) is compiled from this project's code, Rust's standard library (MIT OR Apache-2.0) and the crates below, all
unmodified; their sources are where the links lead. Where a crate leaves a choice, Apache-2.0 was taken, whose text is in \`LICENSE\`. Crates
that the compiler may have left out again are listed too. The model files come from elsewhere: \`models/README.md\`.

| crate | version | licence |
|---|---|---|
${rows.join('\n')}
${notices.map(([licence, holders]) => section(licence, holders)).join('')}${list.map(ownNotice).join('')}`;
}

const section = (licence, holders) => `
## ${licence}

${holders.map((crate) => `* ${crate.name}: ${copyrights(crate)}`).join('\n')}

\`\`\`text
${licenceText(licence, holders)}
\`\`\`
`;

/** Returns the NOTICE file of a crate, which Apache-2.0 asks to pass on. */
function ownNotice({ name, manifest_path: manifest }) {
  const folder = dirname(manifest);
  const file = readdirSync(folder).find((entry) => /^notice/i.test(entry));
  return file === undefined
    ? ''
    : `\n## Notice of ${name}\n\n\`\`\`text\n${readFileSync(join(folder, file), 'utf8').trim()}\n\`\`\`\n`;
}

/**
 * Takes the text from a crate that has it, without the copyright lines, which are listed above it.
 */
function licenceText(licence, holders) {
  const BEGIN = { MIT: 'Permission is hereby granted', 'Unicode-3.0': 'NOTICE TO USER' };
  const END = { MIT: 'DEALINGS IN THE SOFTWARE.', 'Unicode-3.0': 'of the copyright holder.' };
  for (const crate of holders) {
    const folder = dirname(crate.manifest_path);
    for (const name of readdirSync(folder).filter((name) => /^licen[cs]e/i.test(name))) {
      const whole = readFileSync(join(folder, name), 'utf8').replaceAll('\r', '');
      const [from, to] = [whole.indexOf(BEGIN[licence]), whole.lastIndexOf(END[licence])];
      if (from >= 0 && to > from) return whole.slice(from, to + END[licence].length);
    }
  }
  throw new StepError(
    `No crate has the text of ${licence}. Write into scripts/licenses.mjs how the text begins and ends.`,
  );
}

main(() => {
  const found = text(crates());
  if (process.argv.includes('--check')) {
    if (readFileSync(FILE, 'utf8') !== found)
      throw new StepError('pkg/THIRD-PARTY.md is out of date. Run `npm run licenses`.');
    say('pkg/THIRD-PARTY.md is up to date');
  } else {
    writeFileSync(FILE, found);
    say(`Wrote ${FILE}`);
  }
});
