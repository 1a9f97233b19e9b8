import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError, messageOf } from "../../shared/errors.js";

/**
 * Unpacks a .gz to its end before anything is published. DuckDB takes a file that was cut short
 * for a whole one, and the row at the cut, with half its digits, for a row.
 *
 * @throws UserError, without the name of the setting, when the file is cut short or damaged
 */
export async function checkGzip(path: string): Promise<void> {
  const drain = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
    const reading = pieces[Symbol.asyncIterator]();
    while ((await reading.next()).done !== true);
  };
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: 1_048_576 }),
      createGunzip({ chunkSize: 1_048_576 }),
      drain,
    );
  } catch (thrown) {
    throw new UserError(`${path} is no whole .gz: ${messageOf(thrown)}`, { cause: thrown });
  }
}
