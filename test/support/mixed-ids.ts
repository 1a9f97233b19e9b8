/** Mixes all 64 bits of a number, so that the IDs look random and are all different. */
export function mixed(index: number): bigint {
  const spread = BigInt.asUintN(64, BigInt(index) * 0x9e3779b97f4a7c15n);
  return BigInt.asIntN(64, (spread ^ (spread >> 29n)) * 0xbf58476d1ce4e5b9n);
}

/** Those of the numbers from `from` to before `to`. */
export function mixedIds(from: number, to: number): BigInt64Array {
  return BigInt64Array.from({ length: to - from }, (_, at) => mixed(from + at));
}
