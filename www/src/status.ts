// The status line, the progress bar with its cancel button, and the banner for errors.
import type { Progress } from 'aims-web';
import { byId } from './dom.js';
import type { Explanation, Remedy } from './errors.js';

const STAGES: Record<Progress['stage'], string> = {
  model: 'Loading the model',
  image: 'Analysing the photo',
  segment: 'Finding masks',
};

const REMEDIES: Record<Remedy, string> = { retry: 'Try again', 'use-cpu': 'Use the CPU' };

export class Status {
  readonly #line = byId('status');
  readonly #progress = byId('progress');
  readonly #progressText = byId('progress-text');
  readonly #bar = byId<HTMLProgressElement>('progress-bar');
  readonly #banner = byId('banner');
  readonly #bannerAction = byId<HTMLButtonElement>('banner-action');

  constructor(actions: { onCancel: () => void; onRemedy: (remedy: Remedy) => void }) {
    byId('cancel').addEventListener('click', actions.onCancel);
    byId('banner-close').addEventListener('click', () => this.clearError());
    this.#bannerAction.addEventListener('click', () => {
      const remedy = this.#bannerAction.dataset.remedy as Remedy;
      this.clearError();
      actions.onRemedy(remedy);
    });
  }

  say(text: string): void {
    this.#line.textContent = text;
  }

  busy(stage: Progress['stage']): void {
    document.body.dataset.state = 'busy';
    this.#progress.hidden = false;
    this.progress({ stage, fraction: 0 });
  }

  progress({ stage, fraction }: Progress): void {
    // Screen readers read this out only when the stage changes, not at every step.
    if (this.#line.textContent !== `${STAGES[stage]}…`) this.say(`${STAGES[stage]}…`);
    this.#progressText.textContent = `${STAGES[stage]}: ${Math.round(100 * fraction)} %`;
    this.#bar.value = fraction;
  }

  idle(): void {
    document.body.dataset.state = 'idle';
    this.#progress.hidden = true;
  }

  showError({ title, text, remedy }: Explanation): void {
    byId('banner-title').textContent = title;
    byId('banner-text').textContent = text;
    this.#bannerAction.hidden = !remedy;
    if (remedy) {
      this.#bannerAction.textContent = REMEDIES[remedy];
      this.#bannerAction.dataset.remedy = remedy;
    }
    this.#banner.hidden = false;
  }

  clearError(): void {
    this.#banner.hidden = true;
  }
}
