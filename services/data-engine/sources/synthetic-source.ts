/** `synthetic:?count=1000000&rate=5000&seed=1`: numbers that are the same at every start. */
import { allowParams, integerParam } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { monotonicClock, pacedSteps } from "./pace.js";
import type { Clock } from "./pace.js";
import { fillRange, setWhole } from "./sequence.js";
import type { Source, SourceChunk } from "./source.js";

const CHUNK_RECORDS = 2_048;
const MAX_DATA = 1_000_000;
const META_TEXTS = Array.from({ length: 1_000 }, (_, index) => `sample-${String(index).padStart(3, "0")}`);

/**
 * Record `n` (from 1): ID = n, Data from 1 to 1,000,000 and a short Meta, both decided by `seed` and
 * n alone. Without `count` it never ends; without `rate` (records per second) it runs freely.
 *
 * @throws UserError
 */
export function openSyntheticSource(
  uri: PluginUri,
  context: { readonly lingerMs: number; readonly clock?: Clock },
): Promise<Source> {
  allowParams("SOURCE", uri, ["count", "rate", "seed"]);
  const count = integerParam("SOURCE", uri, "count", { min: 0, max: 2 ** 52, default: 2 ** 52 });
  const rate = integerParam("SOURCE", uri, "rate", { min: 1, max: 10_000_000, default: 0 });
  const seed = integerParam("SOURCE", uri, "seed", { min: 0, max: 2 ** 32 - 1, default: 1 });
  return Promise.resolve(
    new SyntheticSource({
      count,
      hasEnd: uri.params.has("count"),
      rate: rate === 0 ? undefined : rate,
      seed,
      lingerMs: context.lingerMs,
      clock: context.clock ?? monotonicClock,
    }),
  );
}

interface SyntheticOptions {
  readonly count: number;
  readonly hasEnd: boolean;
  readonly rate: number | undefined;
  readonly seed: number;
  readonly lingerMs: number;
  readonly clock: Clock;
}

class SyntheticSource implements Source {
  readonly paced: boolean;
  readonly expectedRecords: number | undefined;
  readonly #options: SyntheticOptions;

  constructor(options: SyntheticOptions) {
    this.#options = options;
    this.paced = options.rate !== undefined;
    this.expectedRecords = options.hasEnd ? options.count : undefined;
  }

  async *chunks(fromPosition: number, signal: AbortSignal): AsyncGenerator<SourceChunk, void, undefined> {
    const { count, rate, lingerMs, clock } = this.#options;
    if (fromPosition >= count) return;
    if (rate === undefined) {
      yield* this.#between(fromPosition, count, signal);
      return;
    }
    let position = fromPosition;
    for await (const end of pacedSteps({ rate, stepMs: lingerMs, fromPosition, clock }, signal)) {
      const stop = Math.min(end, count);
      yield* this.#between(position, stop, signal);
      position = stop;
      if (position === count) return;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  *#between(from: number, to: number, signal: AbortSignal): Generator<SourceChunk, void, undefined> {
    for (let position = from; position < to && !signal.aborted; position += CHUNK_RECORDS) {
      yield this.#chunk(position, Math.min(CHUNK_RECORDS, to - position));
    }
  }

  #chunk(position: number, count: number): SourceChunk {
    const data = new BigInt64Array(count);
    const halves = new Int32Array(data.buffer);
    const meta = new Array<string>(count);
    for (let index = 0; index < count; index += 1) {
      const random = randomAt(this.#options.seed, position + index);
      setWhole(halves, index, 1 + Math.floor((random / 2 ** 32) * MAX_DATA));
      meta[index] = META_TEXTS[random % META_TEXTS.length] ?? "";
    }
    const ids = fillRange(new BigInt64Array(count), position + 1, count);
    return { ids, data, meta, bad: [], endPosition: position + count };
  }
}

/** 32 random bits for a place, without walking there: murmur3's finalizer over seed and place. */
function randomAt(seed: number, position: number): number {
  const low = mix(position ^ mix(seed ^ 0x9e3779b9));
  return mix(low ^ Math.imul(Math.floor(position / 2 ** 32) + 1, 0x85ebca6b)) >>> 0;
}

function mix(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
