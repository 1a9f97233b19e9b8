import { UserError } from "../../shared/errors.js";
import { collatz } from "./collatz.js";
import type { NamedCruncher } from "./cruncher.js";
import { identity } from "./identity.js";
import { isModulePath, loadModuleCruncher } from "./module-cruncher.js";
import { primes } from "./primes.js";

/** The built-in crunchers. A new one is a file beside this and a line here. */
export const crunchers: readonly NamedCruncher[] = [collatz, primes, identity];

/**
 * The cruncher that CRUNCHER names: a built-in, or a module by its path. Each thread asks for
 * itself; the main thread never runs a module.
 *
 * @throws UserError with one sentence that names CRUNCHER and its value
 */
export async function loadCruncher(text: string): Promise<NamedCruncher> {
  const builtIn = crunchers.find((cruncher) => cruncher.name === text);
  if (builtIn !== undefined) return builtIn;
  if (isModulePath(text)) return loadModuleCruncher(text);
  const known = crunchers.map((cruncher) => cruncher.name).join(", ");
  throw new UserError(`CRUNCHER="${text}": must be one of ${known}, or a file like ./my-cruncher.mjs`);
}
