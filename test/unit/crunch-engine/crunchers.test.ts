import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { totalStoppingTime } from "../../../services/crunch-engine/crunchers/collatz.js";
import { crunchers } from "../../../services/crunch-engine/crunchers/index.js";
import { countPrimes } from "../../../services/crunch-engine/crunchers/primes.js";
import { cruncherContract } from "../../contract/cruncher-contract.js";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

cruncherContract("identity", {
  answers: [MIN, MAX, 0n, 2n ** 53n + 1n].map((value) => [value, value] as const),
  refused: [],
});

cruncherContract("collatz", {
  // 837799 has the longest path below 1,000,000, 63728127 below 100,000,000.
  answers: [
    [1n, 0n],
    [2n, 1n],
    [27n, 111n],
    [837_799n, 524n],
    [63_728_127n, 949n],
    [2n ** 62n, 62n],
    [MAX, 862n],
  ],
  refused: [0n, -1n, MIN],
});

cruncherContract("primes", {
  // OEIS A006880.
  answers: [
    [MIN, 0n],
    [-1n, 0n],
    [0n, 0n],
    [1n, 0n],
    [2n, 1n],
    [10n, 4n],
    [999_999n, 78_498n],
    [1_000_000n, 78_498n],
    [1_000_003n, 78_499n],
    [10_000_000n, 664_579n],
    [10_000_000_000n, 455_052_511n],
  ],
  refused: [10n ** 12n + 1n, MAX],
});

describe("the crunchers", () => {
  it("have names of their own", () => {
    assert.equal(new Set(crunchers.map((cruncher) => cruncher.name)).size, crunchers.length);
  });

  it("collatz agrees with its definition over the whole int64 range", () => {
    const around = (center: bigint): fc.Arbitrary<bigint> =>
      fc.bigInt({ min: center - 1_000n, max: center + 1_000n });
    // Where the steps change from shifts to numbers to bigints.
    const edges = [2n ** 32n / 3n, 2n ** 32n, 2n ** 53n / 3n, 2n ** 53n].map(around);
    fc.assert(
      fc.property(fc.oneof(fc.bigInt({ min: 1n, max: MAX }), ...edges), (start) => {
        assert.equal(totalStoppingTime(start), stepsByDefinition(start));
      }),
      { numRuns: 500 },
    );
  });

  it("primes grows by one at each prime and nowhere else", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_100_000 }), (n) => {
        const grows = countPrimes(BigInt(n)) - countPrimes(BigInt(n - 1));
        assert.equal(grows, isPrime(n) ? 1 : 0, String(n));
      }),
      { numRuns: 200 },
    );
  });
});

function stepsByDefinition(start: bigint): number {
  let steps = 0;
  for (let n = start; n !== 1n; n = n % 2n === 0n ? n / 2n : 3n * n + 1n) steps += 1;
  return steps;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor += 1) if (n % divisor === 0) return false;
  return true;
}
