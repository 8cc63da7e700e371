// A view is what the user has opened: the whole photo or something inside it, with the masks that
// were found there.
import type { Level, Mask, Prompt, Scene } from 'aims-web';
import { ofLevel, titleOf } from './shapes.js';

export interface View {
  title: string;
  prompt: Prompt;
  scene: Scene;
  /** The level that is shown. */
  level: Level;
  /** The masks that were opened to get here: an entity, two entities, or a relation. */
  opened: Mask[];
}

const LEVELS: readonly Level[] = ['entity', 'part', 'relation'];

/**
 * The level that a prompt asks for is shown first. Other prompts show the first level that has
 * masks.
 */
const WANTED: Partial<Record<Prompt['kind'], Level>> = {
  entity: 'part',
  entities: 'relation',
  relation: 'entity',
};

export function viewOf(prompt: Prompt, scene: Scene, opened: Mask[], title: string): View {
  const wanted = WANTED[prompt.kind];
  const level = wanted ?? LEVELS.find((candidate) => hasLevel(scene, candidate)) ?? 'entity';
  return { title, prompt, scene, opened, level };
}

export const hasLevel = (scene: Scene, level: Level): boolean =>
  scene.masks.some((mask) => mask.level === level);

export function titleFor(prompt: Prompt, opened: Mask[]): string {
  switch (prompt.kind) {
    case 'box':
      return `Box ${prompt.box[2]} × ${prompt.box[3]}`;
    case 'points':
      return 'Point';
    case 'entity':
      return `${opened.map(titleOf).join()}: parts`;
    case 'relation':
      return `${opened.map(titleOf).join()}: entities`;
    case 'entities':
      return opened.map(titleOf).join(' + ');
    default:
      return 'Photo';
  }
}

/** Gives one sentence on what was found, for the status line. */
export function summary({ scene, prompt }: View): string {
  const count = (level: Level, one: string, many: string) => {
    const { length } = ofLevel(scene, level);
    return length === 0 ? [] : [`${length} ${length === 1 ? one : many}`];
  };
  const found = [
    ...count('entity', 'entity', 'entities'),
    ...count('part', 'part', 'parts'),
    ...count('relation', 'relation', 'relations'),
  ];
  if (found.length > 0) return `Found ${found.join(', ')}.`;
  return prompt.kind === 'entity' ? 'No parts found inside this entity.' : 'Nothing found here.';
}
