/**
 * settings -> state directory -> nats-server -> engines -> progress -> empty stages -> summary.
 *
 * The whole path on one machine, as real processes, with one command. What is unfinished when it
 * ends, however it ends, is continued by the same command.
 */
import { EngineError, UserError, messageOf } from "../shared/errors.js";
import { Children } from "./children.js";
import { endLeftOvers } from "./left-overs.js";
import { Progress } from "./progress.js";
import { Run } from "./run.js";
import { StateDirectory } from "./state-directory.js";
import { watchStopSignals } from "./stop-signals.js";
import { summaryTable } from "./summary.js";
import type { UpOptions } from "./up-options.js";
import { readUpSettings } from "./up-settings.js";

const LEFT_OVER_SERVER_MS = 5_000;
const STOPPING = "stopping: what is published is still crunched and stored; once more to stop at once";

/**
 * Runs `crunch up`.
 *
 * @returns the exit code: 0 all accounted for, 1 a part died too often, 3 records are outstanding
 * @throws UserError for bad input, after everything was stopped and nothing left behind
 */
export async function up(options: UpOptions): Promise<number> {
  const { env, cwd, stderr } = options;
  const settings = readUpSettings(env);
  if (options.fresh) {
    // Only here, because the sinks take a while to load.
    const { checkDroppable } = await import("../results-engine/sinks/index.js");
    checkDroppable(settings.sink);
  }
  const progress = new Progress(stderr);
  const note = (text: string): void => progress.note(text);
  const state = new StateDirectory(cwd, settings.identity);
  state.lock();
  const { drainMs } = settings;
  const children = new Children({ env, cwd, crunchPath: options.crunchPath, state, drainMs, note });
  const stop = watchStopSignals(() => {
    children.kill();
    state.unlock();
    process.exit(1);
  });
  stop.signal.addEventListener("abort", () => note(STOPPING));
  const before = state.readRun();
  try {
    await endLeftOvers(state.readChildren(), { drainMs, serverMs: LEFT_OVER_SERVER_MS });
    const run = new Run({ ...options, settings, state, children, progress, stop: stop.signal });
    const summary = await run.execute();
    progress.close();
    const text = options.json ? JSON.stringify(summary) : summaryTable(summary);
    options.stdout.write(`${text}\n`);
    return summary.outstanding > 0 ? 3 : 0;
  } catch (thrown) {
    progress.close();
    await children.close();
    if (thrown instanceof UserError) {
      // Nothing was published, so what there was before is all there is.
      if (before === undefined) state.remove();
      throw thrown;
    }
    if (!(thrown instanceof EngineError)) throw thrown;
    note(
      `${messageOf(thrown)}. Nothing is lost: the same command continues the run; logs are in ${state.path}`,
    );
    return 1;
  } finally {
    await children.close();
    stop.close();
    state.unlock();
  }
}
