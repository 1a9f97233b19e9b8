/** What every source owes the pipeline. Called once per source. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Source } from "../../services/data-engine/sources/source.js";
import { readRows } from "../support/source-rows.js";

/** @param open opens a source of at least 3 and at most a million rows that ends */
export function sourceContract(name: string, open: () => Promise<Source>): void {
  const withSource = async (use: (source: Source) => Promise<void>): Promise<void> => {
    const source = await open();
    try {
      await use(source);
    } finally {
      await source.close();
    }
  };

  describe(`${name} keeps the source contract`, () => {
    it("yields columns of one length, and positions that count every row once", async () => {
      await withSource(async (source) => {
        let position = 0;
        for (const chunk of (await readRows(source)).chunks) {
          assert.equal(chunk.data.length, chunk.ids.length);
          assert.equal(chunk.meta.length, chunk.ids.length);
          const start = position;
          position += chunk.ids.length + chunk.bad.length;
          assert.equal(chunk.endPosition, position);
          const places = chunk.bad.map((row) => row.position);
          assert.deepEqual(
            places,
            [...new Set(places)].sort((a, b) => a - b),
          );
          assert.ok(places.every((place) => place >= start && place < position));
        }
        assert.ok(position >= 3);
      });
    });

    it("yields the same rows again", async () => {
      await withSource(async (source) => {
        const [first, second] = [await readRows(source), await readRows(source)];
        assert.deepEqual(second.records, first.records);
        assert.deepEqual(second.bad, first.bad);
      });
    });

    it("goes on from any row as if it had not stopped there", async () => {
      await withSource(async (source) => {
        const whole = await readRows(source);
        const rows = whole.endPosition;
        for (const from of new Set([1, 2, Math.floor(rows / 2), rows - 1, rows])) {
          const rest = await readRows(source, from);
          const badBefore = whole.bad.filter((row) => row.position < from).length;
          assert.deepEqual(rest.records, whole.records.slice(from - badBefore), `from row ${String(from)}`);
          assert.deepEqual(rest.bad, whole.bad.slice(badBefore), `from row ${String(from)}`);
          assert.equal(rest.endPosition, rows);
        }
      });
    });

    it("says beforehand how many rows there are, or that it does not know", async () => {
      await withSource(async (source) => {
        const { endPosition } = await readRows(source);
        assert.ok(source.expectedRecords === undefined || source.expectedRecords === endPosition);
      });
    });

    it("ends when told to, and can be read again", async () => {
      await withSource(async (source) => {
        const whole = await readRows(source);
        const part = await readRows(source, 0, () => true);
        assert.equal(part.chunks.length, 1);
        const chunks = source.chunks(0, AbortSignal.abort())[Symbol.asyncIterator]();
        assert.equal((await chunks.next()).done, true, "yields although it was told to end");
        assert.deepEqual((await readRows(source)).records, whole.records);
      });
    });

    it("can be closed twice, also in the middle", async () => {
      await withSource(async (source) => {
        const chunks = source.chunks(0, new AbortController().signal)[Symbol.asyncIterator]();
        assert.equal((await chunks.next()).done, false);
        await chunks.return?.();
        await source.close();
        await source.close();
      });
    });
  });
}
