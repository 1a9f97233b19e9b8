import { bundleOf, settle } from "../../services/crunch-engine/pool/bundle.js";
import type { MessageCruncher } from "../../services/crunch-engine/pool/message-cruncher.js";
import type { CrunchJob, CrunchOutcome } from "../../services/crunch-engine/pool/pool.js";
import { Progress } from "../../services/crunch-engine/pool/progress.js";
import type { GivenUp } from "../../services/crunch-engine/pool/thread-messages.js";
import type { PendingJob } from "../../services/crunch-engine/pool/waiting-jobs.js";

/**
 * Crunches jobs as one request of the pool, without its threads.
 *
 * @param givenUp what earlier tries taught, by the place of the job
 * @returns how each of them ended
 */
export async function crunchTogether(
  cruncher: MessageCruncher,
  jobs: readonly CrunchJob[],
  givenUp: Readonly<Record<number, GivenUp>> = {},
): Promise<PromiseSettledResult<CrunchOutcome>[]> {
  const pending: PendingJob[] = [];
  const ends = jobs.map(
    (job, place) =>
      new Promise<CrunchOutcome>((resolve, reject) => {
        const given = givenUp[place];
        pending.push({ job, givenUp: given ? [given] : [], deaths: undefined, resolve, reject });
      }),
  );
  const settled = Promise.allSettled(ends);
  settle(pending, await cruncher.crunch(bundleOf(pending), new Progress()));
  return await settled;
}
