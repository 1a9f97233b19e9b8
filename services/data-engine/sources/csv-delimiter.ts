import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { InputFile } from "./file-format.js";

const DELIMITERS = [",", ";", "\t", "|"] as const;
const MAX_LINE_BYTES = 65_536;

/**
 * The delimiter that occurs most in the first line, outside quotes. A guess from the rows would
 * let a broken one decide.
 */
export async function delimiterOf(file: InputFile): Promise<string> {
  const line = (await firstBytes(file)).replace(/"[^"]*"/g, "").split(/[\r\n]/, 1)[0] ?? "";
  let best: string = DELIMITERS[0];
  for (const delimiter of DELIMITERS) {
    if (line.split(delimiter).length > line.split(best).length) best = delimiter;
  }
  return best;
}

async function firstBytes(file: InputFile): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  const take = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of bytes) {
      pieces.push(piece);
      length += piece.length;
      if (length >= MAX_LINE_BYTES) return;
    }
  };
  const input = createReadStream(file.path, { end: MAX_LINE_BYTES });
  try {
    await (file.isGzip ? pipeline(input, createGunzip(), take) : pipeline(input, take));
  } catch {
    // The start of a .gz ends too early; what was unpacked is enough, and DuckDB says what is wrong.
  }
  return Buffer.concat(pieces).toString("utf8");
}
