// The library's objects for one photo. They are made when needed, and made again after the settings
// change. After a failure they restore themselves.
import {
  type Candidate,
  type HasRle,
  type PointPrompt,
  type Progress,
  type Prompt,
  type Scene,
  type SegmentedImage,
  Segmenter,
} from 'aims-web';
import type { Refine } from '../edit/matte.js';
import type { Settings } from './settings.js';

export interface Job {
  signal: AbortSignal;
  /** Called when a stage of the work begins. */
  onStage: (stage: Progress['stage']) => void;
  onProgress: (progress: Progress) => void;
}

export class Session {
  #settings: Settings;
  #segmenter: Segmenter | undefined;
  #image: { photo: Blob; features: SegmentedImage } | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Changes the settings. They take effect at the next call. */
  configure(settings: Settings): void {
    const { device, size, model } = this.#settings;
    const same = device === settings.device && size === settings.size && model === settings.model;
    this.#settings = settings;
    if (same) return;
    this.#segmenter?.close();
    this.#segmenter = undefined;
    this.#image = undefined;
  }

  async start({ signal, onStage, onProgress }: Job): Promise<Segmenter> {
    if (!this.#segmenter) {
      onStage('model');
      const { device, size, model } = this.#settings;
      this.#segmenter = await Segmenter.create({
        device,
        model,
        inputSize: size,
        signal,
        onProgress,
      });
    }
    return this.#segmenter;
  }

  /**
   * Encodes the photo, unless it was the last one that was encoded. The previous one stays until
   * this succeeds.
   */
  async encode(photo: Blob, job: Job): Promise<SegmentedImage> {
    if (this.#image?.photo === photo) return this.#image.features;
    const segmenter = await this.start(job);
    job.onStage('image');
    const features = await segmenter.setImage(photo, {
      signal: job.signal,
      onProgress: job.onProgress,
    });
    this.#image?.features.close();
    this.#image = { photo, features };
    return features;
  }

  async segment(photo: Blob, prompt: Prompt, job: Job): Promise<Scene> {
    const features = await this.encode(photo, job);
    job.onStage('segment');
    const { mode, points, queries } = this.#settings;
    return features.segment({
      prompt,
      mode: mode === 'auto' ? undefined : mode,
      grid: { pointsPerSide: points },
      maxQueries: queries,
      signal: job.signal,
      onProgress: job.onProgress,
    });
  }

  /** Makes a function that finds the mask's edge in the photo, as part of a job. */
  refiner(photo: Blob, mask: HasRle, job: Job): Refine {
    return async (options) => {
      const features = await this.encode(photo, job);
      job.onStage('refine');
      const { signal, onProgress } = job;
      return features.refine(mask, { ...options, signal, onProgress });
    };
  }

  /** Gives all answers to a prompt. There are none if the photo is not encoded yet. */
  async candidates(photo: Blob, prompt: PointPrompt, signal: AbortSignal): Promise<Candidate[]> {
    if (this.#image?.photo !== photo) return [];
    return this.#image.features.candidates(prompt, { signal });
  }
}
