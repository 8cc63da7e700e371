// The public TypeScript surface cannot change unseen: it is committed, and what is built must equal it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ENTRIES, pathOf, rollUp } from '../api/rollup.js';

for (const entry of ENTRIES) {
  test(`the public surface is that of api/${entry}`, () => {
    const how = 'The public types changed. If that is meant: npm run api -w pkg, and tell of it in CHANGELOG.md.';
    // By lines, so that a failure shows which.
    assert.deepEqual(rollUp(entry).split('\n'), readFileSync(pathOf(entry), 'utf8').split('\n'), how);
  });
}
