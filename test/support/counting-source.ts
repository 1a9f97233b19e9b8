import type { BadRow, Source, SourceChunk } from "../../services/data-engine/sources/source.js";
import { EngineError } from "../../services/shared/errors.js";
import { chunkOf } from "./source-rows.js";

/** Rows 1, 2, 3, ... with bad ones at some positions, in chunks of 7; notes how far it was pulled. */
export class CountingSource implements Source {
  readonly expectedRecords: number;
  readonly paced: boolean;
  readonly #bad: ReadonlySet<number>;
  pulledRows = 0;
  breaksAt = Infinity;

  constructor(rows: number, bad: readonly number[] = [], paced = false) {
    this.expectedRecords = rows;
    this.#bad = new Set(bad);
    this.paced = paced;
  }

  async *chunks(fromPosition: number, signal: AbortSignal): AsyncGenerator<SourceChunk, void, undefined> {
    for (let start = fromPosition; start < this.expectedRecords && !signal.aborted; start += 7) {
      await Promise.resolve();
      if (start >= this.breaksAt) throw new EngineError("source_broken", "stop", "breaks");
      const positions = Array.from(
        { length: Math.min(7, this.expectedRecords - start) },
        (_, i) => start + i,
      );
      const good = positions.filter((position) => !this.#bad.has(position));
      const bad = positions.filter((position) => this.#bad.has(position));
      this.pulledRows = start + positions.length;
      const badRows = bad.map((at): BadRow => ({
        position: at,
        reason: `row ${String(at)}`,
        row: `r${String(at)}`,
      }));
      yield chunkOf(
        good.map((position) => [BigInt(position + 1), BigInt(position * 2), ""]),
        this.pulledRows,
        badRows,
      );
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
