/**
 * Singles that arrive together -> one frame in memory -> decoded and batched as one.
 *
 * Columns for each single would be ten small objects, kept until its row is durable: with thousands
 * in hand, collecting garbage then takes more time than all else.
 */
import { frameOf } from "../shared/codec/entries.js";
import { decodeResults } from "../shared/codec/result-codec.js";
import type { DecodedResults } from "../shared/codec/result-codec.js";
import { NO_SPAN } from "../shared/trace/tracer.js";
import type { Span } from "../shared/trace/tracer.js";
import type { RejectedOfPart } from "./batcher.js";
import type { BatchPart } from "./sinks/sink.js";

/** Singles of one part, at most: DuckDB's vector size. */
const MAX_SINGLES = 2_048;
/** Bytes of one part, about. */
const MAX_BYTES = 1_048_576;

/** Hands on the results of some messages. @returns the rows that the sink rejected, once the others are durable */
export type StoreResults = (
  results: DecodedResults & BatchPart,
  bytes: number,
  messages: number,
  spans: readonly Span[],
) => Promise<RejectedOfPart>;

/** Keeps a single that the sink rejected, with the sink's reason. */
export type ParkSingle<Message> = (message: Message, span: Span, reason: string) => Promise<void>;

interface Single<Message> {
  readonly message: Message;
  readonly span: Span;
  readonly resolve: (parked?: Promise<void>) => void;
  readonly reject: (reason: unknown) => void;
}

export class Singles<Message extends { readonly payload: Uint8Array }> {
  readonly #store: StoreResults;
  readonly #park: ParkSingle<Message>;
  readonly #maxSingles: number;
  #gathered: Single<Message>[] = [];
  #bytes = 0;
  /** Of those singles whose steps are recorded. */
  #spans: Span[] = [];
  #flush: NodeJS.Immediate | undefined;

  /** @param maxRows of a batch */
  constructor(store: StoreResults, park: ParkSingle<Message>, maxRows: number) {
    this.#store = store;
    this.#park = park;
    this.#maxSingles = Math.min(MAX_SINGLES, maxRows);
  }

  /**
   * Stores the result of one single. Resolves once its row is durable, or was rejected by the sink and parked.
   *
   * @param span the step that this is part of
   * @throws EngineError `undecodable`, `park`, when it is no MyResult, and whatever storing threw
   */
  store(message: Message, span: Span = NO_SPAN): Promise<void> {
    return new Promise((resolve, reject) => {
      if (span.isRecorded) this.#spans.push(span);
      this.#gathered.push({ message, span, resolve, reject });
      this.#bytes += message.payload.length;
      if (this.#gathered.length >= this.#maxSingles || this.#bytes >= MAX_BYTES) this.#end();
      else this.#flush ??= setImmediate(() => this.#end());
    });
  }

  #end(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    const singles = this.#gathered;
    const bytes = this.#bytes;
    this.#gathered = [];
    this.#bytes = 0;
    const spans = this.#spans;
    if (spans.length > 0) this.#spans = [];
    void this.#storeTogether(singles, bytes, spans);
  }

  /** Never rejects: how it went is told to each single. */
  async #storeTogether(
    singles: readonly Single<Message>[],
    bytes: number,
    spans: readonly Span[],
  ): Promise<void> {
    const results = decodeResults(frameOf(singles.map(({ message }) => message.payload)), true);
    for (const { index } of results.invalid) refuse(singles[index]);
    if (results.count === 0) return;
    const valid = Array.from(
      { length: results.count },
      (_, row) => singles[results.entryIndexes[row] ?? row],
    );
    try {
      const rejected = await this.#store({ ...results, isOfSingles: true }, bytes, valid.length, spans);
      for (const { row, reason } of rejected) {
        const single = valid[row];
        single?.resolve(this.#park(single.message, single.span, reason));
      }
      // Those that were rejected end with their being parked; resolving them again does nothing.
      for (const single of valid) single?.resolve();
    } catch (thrown) {
      for (const single of valid) single?.reject(thrown);
    }
  }
}

/** With the error that a single has by itself, whose bytes are the whole message. */
function refuse(single: Single<{ readonly payload: Uint8Array }> | undefined): void {
  if (single === undefined) return;
  try {
    decodeResults(single.message.payload, false);
  } catch (thrown) {
    single.reject(thrown);
  }
}
