// The public types cannot change unnoticed: API Extractor compares the built package with the
// reports in `pkg/api`, which are committed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

for (const entry of ['index', 'psd']) {
  test(`the public types are those of api/${entry}.api.md`, () => {
    const path = join(import.meta.dirname, '..', 'api', `${entry}.json`);
    const { succeeded, apiReportChanged } = Extractor.invoke(
      ExtractorConfig.loadFileAndPrepare(path),
      { localBuild: false, messageCallback: (message) => void (message.handled = true) },
    );
    const advice = 'If this is intended, run `npm run api -w pkg` and describe it in CHANGELOG.md.';
    assert.equal(apiReportChanged, false, `The public types changed. ${advice}`);
    assert.equal(succeeded, true);
  });
}
