// Finds objects that the JavaScript engine could not collect as garbage.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** Counts the objects that are still kept by something. */
export async function keptOf(references) {
  const living = () => references.filter((reference) => reference.deref() !== undefined).length;
  // Settled promises keep their results until the current task is over.
  for (let i = 0; i < 10 && living() > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    collect();
  }
  return living();
}
