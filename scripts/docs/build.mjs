// npm run docs: makes the API reference of the npm package, as pages in docs/api. The browser
// module must be built first, because its types are read. TypeDoc uses TypeScript's old programming
// interface, which version 7 does not have (TypeDoc 0.28 takes 5.0 to 6.0). So TypeDoc is in this
// folder, outside the workspaces, with a TypeScript of its own. The package itself is built with
// TypeScript 7.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { main, npm, once, ROOT, run, StepError, say } from '../lib.mjs';
import { needPackages } from '../needs.mjs';

const FOLDER = 'scripts/docs';

main(() => {
  needPackages();
  if (!existsSync(join(ROOT, 'pkg/wasm/simd/aims_web.d.ts')))
    throw new StepError('The browser module is not built. Run `npm run build`, then retry.');
  const inputs = [`${FOLDER}/package.json`, `${FOLDER}/package-lock.json`];
  once(
    'docs packages',
    { inputs, outputs: [`${FOLDER}/node_modules/.package-lock.json`], what: 'Installing TypeDoc' },
    () =>
      npm(['ci', '--no-audit', '--no-fund'], {
        cwd: join(ROOT, FOLDER),
        advice: 'Check that the npm registry is reachable, then run this again.',
      }),
  );
  say('Building the API reference');
  run(
    process.execPath,
    [join(FOLDER, 'node_modules/typedoc/bin/typedoc'), '--options', 'pkg/typedoc.json'],
    {
      advice:
        'Warnings count as errors. Add the comments that it asks for and fix the links, then run this again.',
    },
  );
  say('The API reference is docs/api/index.html');
});
