// Says which browsers are not here, and fails if none was tested.
import type { FullResult, Reporter, TestCase, TestResult } from '@playwright/test/reporter';

export default class implements Reporter {
  readonly #missing = new Set<string>();
  #tested = 0;

  onTestEnd({ annotations }: TestCase, { status }: TestResult): void {
    if (status !== 'skipped') this.#tested++;
    for (const { type, description } of annotations)
      if (type === 'skip' && description) this.#missing.add(description);
  }

  async onEnd(result: FullResult): Promise<{ status: FullResult['status'] } | undefined> {
    for (const reason of this.#missing) console.log(`  skipped: ${reason}`);
    if (this.#tested > 0 || result.status !== 'passed') return undefined;
    console.log('No browser was tested.');
    return { status: 'failed' };
  }
}
