/** PUT -> wait until the deployment is over -> look at every app -> back to what was before, if it failed. */
import { messageOf } from "../../services/shared/errors.js";
import type { CheckedFile } from "../definition/check.js";
import type { Clock } from "../clock.js";
import { failureSince, troubleOf } from "./comparison.js";
import { withInstances } from "./instances.js";
import type { Kind, Marathon } from "../api/marathon.js";
import { MarathonError } from "../api/marathon-error.js";

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
/** How long after a deployment its apps may take to show that they are well, in milliseconds. */
const SETTLE_MS = 30_000;

export interface DeployOptions {
  /** Ends a deployment that is in progress. */
  readonly isForced: boolean;
  /** Leaves the number of instances of what runs already as it is. */
  readonly keepsInstances: boolean;
  /** Goes back to what was before when it fails. */
  readonly rollsBack: boolean;
  /** Longest that the deployment may take, and its way back again. */
  readonly timeoutMs: number;
}

export interface DeployContext {
  readonly marathon: Marathon;
  readonly clock: Clock;
  /** Tells a person how it goes. */
  readonly say: (line: string) => void;
  /** Ends the wait; Marathon goes on. */
  readonly signal: AbortSignal;
}

/**
 * - `deployed`: every instance runs, is healthy and is what the file says.
 * - `rolled-back`: it failed, and what was before runs again.
 * - `failed`: it failed and was left as it is.
 * - `stuck`: it failed, and so did the way back.
 * - `left`: `signal` aborted.
 */
export type DeployOutcome = "deployed" | "rolled-back" | "failed" | "stuck" | "left";

/** @throws MarathonError when nothing was started, as far as is known */
export async function deploy(
  file: CheckedFile,
  options: DeployOptions,
  context: DeployContext,
): Promise<DeployOutcome> {
  const { marathon, say, signal } = context;
  const { kind, id } = file;
  const before = await marathon.versionOf(kind, id);
  const body = options.keepsInstances ? await withInstances(file, marathon) : file.body;
  const { version, deploymentId } = await marathon.put(kind, id, body, options.isForced).catch(mayBeTaken);
  say(`${id}: deployment ${deploymentId} is on its way`);

  const isOver = await waitFor(deploymentId, options.timeoutMs, context);
  const problems = isOver
    ? await lookUntilWell(file, context)
    : [`not done within ${String(options.timeoutMs)} ms`];
  if (signal.aborted) {
    say(`${id}: no longer watched; deployment ${deploymentId} goes on in Marathon`);
    return "left";
  }
  if (problems.length === 0) {
    say(`${id}: deployed, every instance is well`);
    return "deployed";
  }
  for (const problem of [...problems, ...(await failures(file, version, context))]) say(`${id}: ${problem}`);
  if (await isReplaced(file, version, context)) {
    say(`${id}: left as it is, as a later deployment took its place`);
    return "failed";
  }
  if (!options.rollsBack) {
    say(`${id}: left as it is`);
    return "failed";
  }
  return goBack(
    { kind, id, before, deploymentId: isOver ? undefined : deploymentId },
    options.timeoutMs,
    context,
  );
}

async function goBack(
  change: {
    readonly kind: Kind;
    readonly id: string;
    readonly before: string | undefined;
    /** Of the deployment that is still in progress. */
    readonly deploymentId: string | undefined;
  },
  timeoutMs: number,
  context: DeployContext,
): Promise<DeployOutcome> {
  const { kind, id, before, deploymentId } = change;
  const { marathon, say, signal } = context;
  say(
    before === undefined
      ? `${id}: removing it, as it was not there before`
      : `${id}: back to version ${before}`,
  );
  const start = async () => {
    if (deploymentId !== undefined) {
      try {
        return await marathon.cancel(deploymentId);
      } catch (thrown) {
        // It was over in the meantime.
        if (!(thrown instanceof MarathonError && thrown.code === "missing")) throw thrown;
      }
    }
    return before === undefined ? await marathon.remove(kind, id) : await marathon.rollBack(kind, id, before);
  };
  try {
    const back = await start();
    if (await waitFor(back.deploymentId, timeoutMs, context)) {
      say(`${id}: ${before === undefined ? "removed" : `version ${before} runs again`}`);
      return "rolled-back";
    }
    say(
      `${id}: deployment ${back.deploymentId}, the way back, ${signal.aborted ? "is no longer watched" : "is not done in time"}`,
    );
  } catch (thrown) {
    say(`${id}: cannot go back: ${messageOf(thrown)}`);
  }
  return "stuck";
}

/** @returns whether it is over; false when time is up or nobody waits any more */
async function waitFor(deploymentId: string, timeoutMs: number, context: DeployContext): Promise<boolean> {
  const { marathon, clock, say, signal } = context;
  const endMs = clock.nowMs() + timeoutMs;
  let told = "";
  const tell = (line: string): void => {
    if (line !== told) say(line);
    told = line;
  };
  while (!signal.aborted) {
    try {
      const running = (await marathon.deployments()).find(({ id }) => id === deploymentId);
      if (running === undefined) return true;
      const actions = running.currentActions.map(({ what, app }) => `${what} ${app}`).join(", ");
      tell(`  step ${String(running.currentStep)} of ${String(running.totalSteps)}: ${actions}`);
    } catch (thrown) {
      // A Marathon that changes its leader is away for seconds; the deployment goes on.
      if (!(thrown instanceof MarathonError)) throw thrown;
      tell(`  ${messageOf(thrown)}`);
    }
    if (clock.nowMs() >= endMs) return false;
    await clock.wait(LOOK_EVERY_MS, signal);
  }
  return false;
}

/** @returns what is wrong with any app of the file; nothing as soon as all are well */
async function lookUntilWell(
  file: CheckedFile,
  { marathon, clock, signal }: DeployContext,
): Promise<readonly string[]> {
  const endMs = clock.nowMs() + SETTLE_MS;
  for (;;) {
    let problems: readonly string[];
    try {
      const looks = file.apps.map(async (placed) => troubleOf(placed, await marathon.app(placed.id)));
      problems = (await Promise.all(looks)).flat();
    } catch (thrown) {
      if (!(thrown instanceof MarathonError)) throw thrown;
      problems = [messageOf(thrown)];
    }
    if (problems.length === 0 || signal.aborted || clock.nowMs() >= endMs) return problems;
    await clock.wait(LOOK_EVERY_MS, signal);
  }
}

async function failures(
  file: CheckedFile,
  version: string,
  { marathon }: DeployContext,
): Promise<readonly string[]> {
  const looks = file.apps.map(async ({ id }) => {
    const running = await marathon.app(id).catch(() => undefined);
    return running === undefined ? undefined : failureSince(running, version);
  });
  return (await Promise.all(looks)).filter((failure) => failure !== undefined);
}

/** Whether somebody else deployed any of the apps after `version`; going back would undo that. */
async function isReplaced(file: CheckedFile, version: string, { marathon }: DeployContext): Promise<boolean> {
  const looks = file.apps.map(({ id }) => marathon.app(id).catch(() => undefined));
  const versions = (await Promise.all(looks)).map((running) => Date.parse(running?.version ?? ""));
  return versions.some((each) => each > Date.parse(version));
}

/** An answer that is lost says nothing of the question. */
function mayBeTaken(thrown: unknown): never {
  if (!(thrown instanceof MarathonError) || thrown.code !== "unreachable") throw thrown;
  throw new MarathonError(
    "unreachable",
    `${thrown.message}; it may have started the deployment all the same, so look before you try again`,
    { cause: thrown },
  );
}
