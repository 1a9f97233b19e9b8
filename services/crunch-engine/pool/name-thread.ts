/** What `nameCruncher` runs in a thread: loads the cruncher and says what it is called. */
import { parentPort, workerData } from "node:worker_threads";
import { UserError, messageOf } from "../../shared/errors.js";
import { loadCruncher } from "../crunchers/index.js";
import type { NameAnswer } from "./name-cruncher.js";

async function answer(): Promise<NameAnswer> {
  try {
    const { name, version } = await loadCruncher(workerData as string);
    return { name, version };
  } catch (thrown) {
    return { problem: messageOf(thrown), isUserError: thrown instanceof UserError };
  }
}

parentPort?.postMessage(await answer());
