import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { DuckDb } from "../../shared/duckdb.js";
import { UserError } from "../../shared/errors.js";
import type { InputFile } from "./file-format.js";

const DELIMITERS = [",", ";", "\t", "|"] as const;
const MAX_LINE_BYTES = 65_536;

/** The first line of a file with everything quoted taken out. */
export interface FirstLine {
  readonly unquoted: string;
}

/** @throws UserError when the file is empty */
export async function readFirstLine(file: InputFile): Promise<FirstLine> {
  const start = await firstText(file);
  if (start === "") throw new UserError(`${file.path} is empty, without even a header line`);
  return { unquoted: start.replace(/"[^"]*"/g, "").split(/[\r\n]/, 1)[0] ?? "" };
}

/**
 * The delimiter that occurs most in the first line. DuckDB's own guess goes by the rows, where one
 * broken row decides.
 */
export function delimiterOf(line: FirstLine): string {
  let best: string = DELIMITERS[0];
  for (const delimiter of DELIMITERS) {
    if (countColumns(line, delimiter) > countColumns(line, best)) best = delimiter;
  }
  return best;
}

export function countColumns(line: FirstLine, delimiter: string): number {
  return line.unquoted.split(delimiter).length;
}

/** Names to read `count` columns by; those of the header may be alike. */
export function numberedColumns(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `column${String(index)}`);
}

/**
 * Names of the columns as the header has them.
 *
 * @param rows the file as SQL, of numbered columns, the header being the first row
 */
export async function headerNames(
  db: DuckDb,
  rows: string,
  numbered: readonly string[],
): Promise<readonly string[]> {
  const [row] = await db.rows(`SELECT ${numbered.join(", ")} FROM ${rows} LIMIT 1`);
  return numbered.map((fallback) => {
    const value = row?.[fallback];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : fallback;
  });
}

async function firstText(file: InputFile): Promise<string> {
  const pieces: Buffer[] = [];
  const take = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of bytes) pieces.push(piece);
  };
  const input = createReadStream(file.path, { end: MAX_LINE_BYTES });
  try {
    await (file.isGzip ? pipeline(input, createGunzip(), take) : pipeline(input, take));
  } catch {
    // A .gz cut off after its first bytes ends too early; what was unpacked is the start of the file.
  }
  return Buffer.concat(pieces).toString("utf8");
}
