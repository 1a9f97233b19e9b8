/** The file that the data-engine reads: records that the oracle knows, and rows that are none. */
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { Oracle } from "./oracle.js";
import type { Random } from "./random.js";
import { fateOf, randomRecord } from "./records.js";

const BAD_ROW_ONE_IN = 3_000;

/**
 * Writes `rows` rows with the IDs 1, 2, 3, ... and offers each. They count as confirmed: the run ends
 * only after the data-engine has said that all of them are.
 *
 * @returns the setting SOURCE
 */
export async function writeSource(
  path: string,
  rows: number,
  oracle: Oracle,
  random: Random,
): Promise<string> {
  const file = createWriteStream(path);
  file.write("id,data,meta\n");
  for (let row = 1; row <= rows; row += 1) {
    const line = random.chance(1 / BAD_ROW_ONE_IN) ? badRow(row, oracle) : goodRow(row, oracle, random);
    if (!file.write(line)) await new Promise<void>((resolve) => file.once("drain", resolve));
  }
  file.end();
  await finished(file);
  return `file:${path}?id=id&data=data&meta=meta`;
}

function goodRow(row: number, oracle: Oracle, random: Random): string {
  const record = randomRecord(BigInt(row), random);
  oracle.offer(record, fateOf(record));
  oracle.confirm(record.id, "by the end of the source");
  return `${String(record.id)},${String(record.data)},"${record.meta.replaceAll('"', '""')}"\n`;
}

function badRow(row: number, oracle: Oracle): string {
  const bad = { id: String(row), data: `no number ${String(row)}`, meta: "" };
  const payload = JSON.stringify(bad);
  oracle.offerPoison(payload, "bad_row");
  oracle.confirmPoison(payload, "by the end of the source");
  return `${bad.id},${bad.data},""\n`;
}
