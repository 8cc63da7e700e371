// Where the user is: the whole photo, then what they opened inside it, each with the masks found there.
import type { Level, Mask, Prompt, Scene } from 'aims-web';
import { ofLevel, titleOf } from './shapes.js';

export interface View {
  title: string;
  prompt: Prompt;
  scene: Scene;
  /** The level shown. */
  level: Level;
  /** The masks that were opened to come here: an entity, two entities, or a relation. */
  opened: Mask[];
}

const LEVELS: readonly Level[] = ['entity', 'part', 'relation'];

/** What a prompt asks for comes first; else the first level that has masks. */
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
      return 'Around a point';
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

/** One sentence on what was found, for the status line. */
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
