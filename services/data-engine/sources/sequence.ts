const TWO_POW_32 = 2 ** 32;

/**
 * Writes `first`, `first + 1`, ... into the first `count` entries, without a bigint for each.
 *
 * @param first a whole number from 0 to 2^53 - 1 - count
 */
export function fillRange(target: BigInt64Array, first: number, count: number): BigInt64Array {
  const halves = new Int32Array(target.buffer, target.byteOffset, target.length * 2);
  for (let index = 0; index < count; index += 1) setWhole(halves, index, first + index);
  return target;
}

/** Sets int64 `index` to a whole number from 0 to 2^53 - 1, through the int32 halves of the array. */
export function setWhole(halves: Int32Array, index: number, value: number): void {
  halves[2 * index] = value | 0;
  halves[2 * index + 1] = Math.floor(value / TWO_POW_32);
}
