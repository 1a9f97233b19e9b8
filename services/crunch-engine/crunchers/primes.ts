import type { CrunchRecord, NamedCruncher } from "./cruncher.js";

/** Primes up to here are kept by each thread (78,498 of them, 307 KiB) and answer at once. */
const SIEVED = 1_000_000;
/** Square of the sieve: beyond it the counting below would lack primes, and take over 2 s a record. */
const MAX_DATA = SIEVED * SIEVED;

/** RData = how many primes are <= Data; 0 for a negative Data, an error above 10^12. */
export const primes: NamedCruncher = {
  name: "primes",
  version: "1",
  crunch: (record: CrunchRecord) => countPrimes(record.Data),
};

let sieved: Uint32Array | undefined;

/** @throws RangeError above 10^12 */
export function countPrimes(limit: bigint): number {
  if (limit > BigInt(MAX_DATA)) {
    throw new RangeError(`Data=${String(limit)}: primes counts up to ${String(MAX_DATA)}`);
  }
  if (limit < 2n) return 0;
  const n = Number(limit);
  sieved ??= sieve(SIEVED);
  return n <= SIEVED ? countUpTo(sieved, n) : countByQuotients(sieved, n);
}

function sieve(limit: number): Uint32Array {
  const composite = new Uint8Array(limit + 1);
  const found: number[] = [];
  for (let n = 2; n <= limit; n += 1) {
    if (composite[n] === 1) continue;
    found.push(n);
    for (let multiple = n * n; multiple <= limit; multiple += n) composite[multiple] = 1;
  }
  return Uint32Array.from(found);
}

/** How many of the ascending `values` are <= `limit`. */
function countUpTo(values: Uint32Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Counts with n^(3/4) steps (after Lucy_Hedgehog, Project Euler 10): `small[v]` and `large[i]` hold how
 * many numbers up to v and up to n / i survive sieving by the primes so far.
 */
function countByQuotients(primesUpToRoot: Uint32Array, n: number): number {
  let root = Math.floor(Math.sqrt(n));
  while (root * root > n) root -= 1;
  while ((root + 1) * (root + 1) <= n) root += 1;
  const small = new Float64Array(root + 1);
  const large = new Float64Array(root + 1);
  for (let v = 1; v <= root; v += 1) {
    small[v] = v - 1;
    large[v] = Math.floor(n / v) - 1;
  }
  for (const prime of primesUpToRoot) {
    const square = prime * prime;
    if (square > n) break;
    const smaller = small[prime - 1] ?? 0;
    const lastLarge = Math.min(root, Math.floor(n / square));
    for (let i = 1; i <= lastLarge; i += 1) {
      const product = i * prime;
      const quotient = product <= root ? large[product] : small[Math.floor(n / product)];
      large[i] = (large[i] ?? 0) - ((quotient ?? 0) - smaller);
    }
    for (let v = root; v >= square; v -= 1) {
      small[v] = (small[v] ?? 0) - ((small[Math.floor(v / prime)] ?? 0) - smaller);
    }
  }
  return large[1] ?? 0;
}
