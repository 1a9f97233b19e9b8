/** CRUNCHER -> its name and version, found out in a thread, so that a module cannot hang the engine. */
import { Worker } from "node:worker_threads";
import { UserError, messageOf } from "../../shared/errors.js";
import { crunchers } from "../crunchers/index.js";
import type { NamedCruncher } from "../crunchers/cruncher.js";

/** What the thread answers. */
export type NameAnswer =
  Pick<NamedCruncher, "name" | "version"> | { readonly problem: string; readonly isUserError: boolean };

export interface NameOptions {
  /** The setting CRUNCHER. */
  readonly cruncher: string;
  /** A module that takes longer to load is refused, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * @throws UserError with one sentence that names CRUNCHER and why it cannot be used; also when its top
 *   level does not end within `timeoutMs`
 */
export async function nameCruncher({
  cruncher,
  timeoutMs,
}: NameOptions): Promise<Pick<NamedCruncher, "name" | "version">> {
  const builtIn = crunchers.find(({ name }) => name === cruncher);
  if (builtIn !== undefined) return builtIn;
  const thread = new Worker(new URL("./name-thread.js", import.meta.url), { workerData: cruncher });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<NameAnswer>((resolve, reject) => {
      const refuse = (why: string): void => reject(new UserError(`CRUNCHER="${cruncher}": ${why}`));
      thread.once("message", resolve);
      thread.once("error", (thrown) => refuse(`cannot be loaded: ${messageOf(thrown)}`));
      thread.once("exit", (code) => {
        refuse(`ends its thread while it is loaded (code ${String(code)}), or waits for what never comes`);
      });
      timer = setTimeout(() => {
        refuse(`was not loaded within ${String(timeoutMs)} ms; does its top level ever end?`);
      }, timeoutMs);
    });
    if (!("problem" in answer)) return answer;
    throw answer.isUserError ? new UserError(answer.problem) : new Error(answer.problem);
  } finally {
    clearTimeout(timer);
    thread.removeAllListeners();
    await thread.terminate();
  }
}
