// A step is what the user has opened: the whole photo or something inside it, with the masks that
// were found there.
import type { HasRle, Level, Mask, Prompt, Scene } from 'aims-web';
import { ofLevel, titleOf } from '../view/shapes.js';

export interface Step {
  title: string;
  prompt: Prompt;
  scene: Scene;
  /** The level that is shown. */
  level: Level;
  /** What was opened to get here: an entity, two entities, a relation, or the selection. */
  opened: readonly (Mask | HasRle)[];
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

export function stepOf(prompt: Prompt, scene: Scene, opened: Step['opened']): Step {
  const wanted = WANTED[prompt.kind];
  const level = wanted ?? LEVELS.find((candidate) => hasLevel(scene, candidate)) ?? 'entity';
  return { title: titleFor(prompt, opened), prompt, scene, opened, level };
}

export const hasLevel = (scene: Scene, level: Level): boolean =>
  scene.masks.some((mask) => mask.level === level);

/** Gives the last step whose result has entities to choose from. */
export const entityDepth = (steps: readonly Step[]): number =>
  steps.findLastIndex(
    ({ scene, prompt }) => prompt.kind !== 'entities' && hasLevel(scene, 'entity'),
  );

function titleFor(prompt: Prompt, opened: Step['opened']): string {
  const names = opened.map((mask) => ('id' in mask ? titleOf(mask) : 'Selection'));
  switch (prompt.kind) {
    case 'box':
      return `Box ${prompt.box[2]} × ${prompt.box[3]}`;
    case 'mask':
      return `${names.join()}: inside`;
    case 'entity':
      return `${names.join()}: parts`;
    case 'relation':
      return `${names.join()}: entities`;
    case 'entities':
      return names.join(' + ');
    default:
      return 'Photo';
  }
}

/** Gives one sentence on what was found, for the status line. */
export function summary({ scene, prompt }: Step): string {
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
