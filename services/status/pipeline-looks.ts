/** Looks at the streams, again and again: what `crunch status` prints and the console shows. Changes nothing. */
import { ENGINE_NOTES } from "../shared/engine-note.js";
import type { EngineNote } from "../shared/engine-note.js";
import { lookAtLedger } from "../shared/ledger.js";
import type { ParkedLook } from "../shared/streams-look.js";
import { LedgerRates } from "../shared/ledger-rates.js";
import type { Messaging } from "../shared/messaging.js";
import type { ParkedStore } from "../shared/parked-store.js";
import { latestResults } from "./latest-results.js";
import type { LatestResults } from "./latest-results.js";
import { statusOf } from "./status-report.js";
import type { Status } from "./status-report.js";

/** What a status is made from. */
export interface StatusSource extends Pick<Messaging, "streamsLook" | "notes" | "backlog" | "newest"> {
  readonly parkedStore: ParkedStore;
}

export interface PipelineLook {
  readonly status: Status;
  readonly latest: LatestResults;
}

export class PipelineLooks {
  readonly #source: StatusSource;
  readonly #rates = new LedgerRates();
  /** What {@link #parkedNow} found, and the counts that it holds for. */
  #parked: { readonly counts: string; readonly now: ReadonlyMap<string, number> } | undefined;

  constructor(source: StatusSource) {
    this.#source = source;
  }

  /** @throws what the streams throw while they do not answer */
  async look(): Promise<PipelineLook> {
    const { streams, ledger } = await lookAtLedger(this.#source);
    this.#rates.add(ledger, performance.now());
    const [notes, parkedNow, data, results, latest] = await Promise.all([
      this.#source.notes.all(ENGINE_NOTES),
      this.#parkedNow(streams.parked),
      this.#source.backlog("data"),
      this.#source.backlog("results"),
      latestResults(this.#source),
    ]);
    const status = statusOf({
      streams,
      ledger,
      rates: this.#rates.rates,
      drainSeconds: this.#rates.drainSeconds(ledger),
      room: { data, results },
      crunchSeconds: latest.crunchSeconds,
      parkedNow,
      engines: notes.map(({ value }) => value as EngineNote),
      nowMs: Date.now(),
    });
    return { status, latest };
  }

  /** Reads PARKED only when it has changed. */
  async #parkedNow(look: ParkedLook): Promise<ReadonlyMap<string, number>> {
    const counts = JSON.stringify(look);
    if (this.#parked?.counts === counts) return this.#parked.now;
    const now = new Map<string, number>();
    for await (const { reason, records } of this.#source.parkedStore.entries()) {
      now.set(reason, (now.get(reason) ?? 0) + records);
    }
    this.#parked = { counts, now };
    return now;
  }
}
