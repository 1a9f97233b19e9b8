/** The records of a run: what they hold, what crunching them does, and where they must end. */
import type { Fate, OfferedRecord } from "./oracle.js";
import type { Random } from "./random.js";

/**
 * What a Meta that starts with one of these words does to the cruncher. `-once` happens on the first
 * try of all engines together, so that another try succeeds.
 */
export const TROUBLES = [
  "!throw",
  "!not-int64",
  "!hang",
  "!memory",
  "!exit",
  "!exit-once",
  "!throw-once",
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** One in so many records has the trouble. Those that cost a thread are dear, so they are few. */
const ONE_IN: Readonly<Record<Trouble, number>> = {
  "!throw": 2_000,
  "!not-int64": 4_000,
  "!hang": 20_000,
  "!memory": 30_000,
  "!exit": 15_000,
  "!exit-once": 8_000,
  "!throw-once": 4_000,
};

/** RData of a healthy record: every field moves it, so that a mix-up of two records shows. */
export function rDataOf(id: bigint, data: bigint, meta: string): bigint {
  return BigInt.asIntN(64, id * 1_000_003n + data * 31n + BigInt(Buffer.byteLength(meta)));
}

export function troubleOf(meta: string): Trouble | undefined {
  const word = meta.split(" ", 1)[0];
  return TROUBLES.find((trouble) => trouble === word);
}

/** A record of a kind that only the random numbers choose. */
export function randomRecord(id: bigint, random: Random): OfferedRecord {
  const trouble = TROUBLES.find((one) => random.chance(1 / ONE_IN[one]));
  const text = random.pick(METAS)(id, random);
  return { id, data: random.int64(), meta: trouble === undefined ? text : `${trouble} ${text}` };
}

const METAS: readonly ((id: bigint, random: Random) => string)[] = [
  () => "",
  (id) => `m${String(id)}`,
  (id) => `record ${String(id)}, "quoted", with ; and, commas`,
  (id) => `zwölf 記録 👋 ${String(id)}`,
  (id) => `two\nlines of ${String(id)}`,
  (id, random) => (random.chance(0.02) ? "long ".repeat(random.int(50, 800)) : `n${String(id)}`),
];

/** Where a record must end. */
export function fateOf({ id, data, meta }: OfferedRecord): Fate {
  const stored = { rData: rDataOf(id, data, meta) };
  switch (troubleOf(meta)) {
    case undefined:
    case "!exit-once":
      return stored;
    case "!throw":
      return { reasons: ["cruncher_threw"] };
    case "!not-int64":
      return { reasons: ["not_int64"] };
    case "!hang":
      return { reasons: ["timed_out"] };
    // On a busy machine filling the heap may take longer than a record is given.
    case "!memory":
      return { reasons: ["killed_thread", "timed_out"] };
    case "!exit":
      return { reasons: ["killed_thread"] };
    // An engine that ends between its try and the ack makes another engine try again.
    case "!throw-once":
      return { ...stored, reasons: ["cruncher_threw"] };
  }
}
