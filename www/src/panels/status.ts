// The status line, the progress bar with its cancel button, the banner for errors, and the device.
import type { Adapter, Progress } from 'aims-web';
import { byId } from '../dom.js';
import type { Explanation, Remedy } from '../session/errors.js';

const STAGES: Record<Progress['stage'], string> = {
  model: 'Loading the model',
  image: 'Analysing the photo',
  segment: 'Finding masks',
  refine: 'Finding the edge',
};

const REMEDIES: Record<Remedy, string> = { retry: 'Try again', 'use-cpu': 'Use the CPU' };

export class Status {
  readonly #line = byId('status');
  readonly #progress = byId('progress');
  readonly #progressText = byId('progress-text');
  readonly #bar = byId<HTMLProgressElement>('progress-bar');
  readonly #banner = byId('banner');
  readonly #bannerAction = byId<HTMLButtonElement>('banner-action');
  onCancel: () => void = () => {};
  onRemedy: (remedy: Remedy) => void = () => {};

  constructor() {
    byId('cancel').addEventListener('click', () => this.onCancel());
    byId('banner-close').addEventListener('click', () => this.clearError());
    this.#bannerAction.addEventListener('click', () => {
      const remedy = this.#bannerAction.dataset.remedy as Remedy;
      this.clearError();
      this.onRemedy(remedy);
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
    // If the work has said nothing about its result, the line must not name a stage for ever.
    if (this.#line.textContent?.endsWith('…')) this.say('Done.');
  }

  showAdapter({ device, name, software, reason }: Adapter): void {
    const badge = byId('device');
    badge.textContent = `${device === 'webgpu' ? 'WebGPU' : 'CPU'}${software ? ' (software)' : ''}`;
    badge.title = `${reason} (${name})`;
    byId('device-reason').textContent = reason;
    document.body.dataset.device = device;
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
