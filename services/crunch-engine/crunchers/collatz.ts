import type { CrunchRecord, NamedCruncher } from "./cruncher.js";

/** Largest odd n whose 3n + 1 is still an exact number. */
const MAX_EXACT = Math.floor((Number.MAX_SAFE_INTEGER - 1) / 3);
/** Up to here 3n + 1 fits 32 unsigned bits, where halving is a shift. */
const MAX_UINT32 = Math.floor((2 ** 32 - 2) / 3);

/** RData = total stopping time of Data: halvings and 3n + 1 steps until 1. Every int64 above 0 gets there. */
export const collatz: NamedCruncher = {
  name: "collatz",
  version: "1",
  crunch: (record: CrunchRecord) => totalStoppingTime(record.Data),
};

/** @throws RangeError below 1, where the steps never reach 1 */
export function totalStoppingTime(start: bigint): number {
  if (start < 1n) throw new RangeError(`Data=${String(start)}: collatz is defined from 1 on`);
  let steps = 0;
  let exact = start;
  // Exact bigint steps while the value is too large for a number, which a path may become again.
  for (;;) {
    while (exact > MAX_EXACT) {
      exact = (exact & 1n) === 0n ? exact >> 1n : 3n * exact + 1n;
      steps += 1;
    }
    let n = Number(exact);
    while (n > 1 && n <= MAX_EXACT) {
      if (n <= MAX_UINT32) {
        // An odd step is always followed by a halving: both at once.
        if ((n & 1) === 0) {
          n >>>= 1;
          steps += 1;
        } else {
          n = (3 * n + 1) / 2;
          steps += 2;
        }
      } else {
        const half = n / 2;
        n = Number.isInteger(half) ? half : 3 * n + 1;
        steps += 1;
      }
    }
    if (n === 1) return steps;
    exact = BigInt(n);
  }
}
