// What the engine has not collected, though it could.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** How many of the objects are still kept by somebody. */
export async function keptOf(references) {
  const living = () => references.filter((reference) => reference.deref() !== undefined).length;
  // Promises that are settled hold what they were settled with until their turn is over.
  for (let i = 0; i < 10 && living() > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    collect();
  }
  return living();
}
