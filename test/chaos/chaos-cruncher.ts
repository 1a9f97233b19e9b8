/** The cruncher of the chaos suite: does to its thread what the record's Meta says. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { CrunchRecord } from "../../services/crunch-engine/crunchers/cruncher.js";
import { rDataOf, troubleOf } from "./records.js";

export const version = "chaos-1";

const hoard: unknown[] = [];

export default function chaos({ ID, Data, Meta }: CrunchRecord): bigint | Promise<bigint> {
  const trouble = Meta.startsWith("!") ? troubleOf(Meta) : undefined;
  switch (trouble) {
    case undefined:
      return rDataOf(ID, Data, Meta);
    case "!throw":
      throw new RangeError(`will not crunch ${String(ID)}`);
    case "!not-int64":
      return 2n ** 63n;
    case "!hang":
      return new Promise(() => undefined);
    case "!memory":
      for (;;) hoard.push(new Array(1_000).fill({}).map(() => ({ memory: Math.random() })));
    case "!exit":
      return process.exit(7);
    case "!exit-once":
      if (isFirstTry(ID)) process.exit(7);
      return rDataOf(ID, Data, Meta);
    case "!throw-once":
      if (isFirstTry(ID)) throw new RangeError(`will not crunch ${String(ID)} yet`);
      return rDataOf(ID, Data, Meta);
  }
}

/** True once for an ID, whichever engine asks: the file that is made stays. */
function isFirstTry(id: bigint): boolean {
  try {
    closeSync(openSync(join(process.env.CHAOS_MARKERS ?? ".", String(id)), "wx"));
    return true;
  } catch {
    return false;
  }
}
