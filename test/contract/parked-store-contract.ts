/** What every implementation of ParkedStore owes. Called once per implementation. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HEADER } from "../../services/shared/messaging.js";
import type { Publisher } from "../../services/shared/messaging.js";
import type { ParkedEntry, ParkedStore } from "../../services/shared/parked-store.js";
import { Parker } from "../../services/shared/parking.js";
import type { ParkedItem } from "../../services/shared/parked-item.js";

/** A fresh, empty store of one implementation that takes messages up to 1 MiB. */
export interface ParkedStoreUnderTest {
  readonly parkedStore: ParkedStore;
  readonly publisher: Publisher;
  close(): Promise<void>;
}

const ONE_MIB = 1_048_576;

const TRACE = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "a=1",
};

/** One record of a frame, as a crunch-engine parks it. */
export function parkedRecord(id: string, payload: Uint8Array = Uint8Array.of(8, 1)): ParkedItem {
  return {
    topic: "data",
    subject: "data",
    payload,
    reason: "cruncher_threw",
    error: "Error: ü is no 100%\n    at crunch (my.mjs:3:9)",
    id,
    origin: { stream: "DATA", streamCreatedAt: "t", sequence: 42, storedAtNs: 0n, deliveries: 3 },
    trace: TRACE,
  };
}

export async function entriesIn(store: ParkedStore, fromSequence?: number): Promise<ParkedEntry[]> {
  const entries: ParkedEntry[] = [];
  for await (const entry of store.entries(fromSequence)) entries.push(entry);
  return entries;
}

export function parkedStoreContract(name: string, open: () => Promise<ParkedStoreUnderTest>): void {
  const check = (
    title: string,
    body: (store: ParkedStore, parker: Parker, publisher: Publisher) => Promise<void>,
  ): void => {
    test(title, async () => {
      const under = await open();
      try {
        await body(under.parkedStore, new Parker(under.publisher, "engine-1"), under.publisher);
      } finally {
        await under.close();
      }
    });
  };

  describe(`${name} keeps the contract of parked stores`, () => {
    check("gives back all that was said of an item when it was parked", async (store, parker) => {
      const startedAtMs = Date.now();
      await parker.park(parkedRecord("a"));
      const [entry, ...others] = await entriesIn(store);

      assert.deepEqual(others, []);
      assert.ok(entry !== undefined);
      const { id, parkedAtMs, ...facts } = entry;
      assert.deepEqual(
        { ...facts, payload: [...facts.payload] },
        {
          sequence: 1,
          topic: "data",
          subject: "data",
          payload: [8, 1],
          isWhole: true,
          records: 1,
          reason: "cruncher_threw",
          error: "Error: ü is no 100%\nat crunch (my.mjs:3:9)",
          engine: "engine-1",
          origin: { stream: "DATA", sequence: 42, deliveries: 3 },
          trace: TRACE,
          sequences: [1],
        },
      );
      assert.match(id, /PARKED-.*-1$/);
      assert.ok(parkedAtMs >= startedAtMs - 1 && parkedAtMs <= Date.now(), String(parkedAtMs - startedAtMs));
    });

    check("tells a row of a file, which never was a message, by its subject", async (store, parker) => {
      await parker.park({ topic: "data", payload: Uint8Array.of(65), reason: "bad_row", error: "", id: "r" });
      const [entry] = await entriesIn(store);

      assert.deepEqual([entry?.subject, entry?.origin], [undefined, undefined]);
    });

    check("knows how many records a whole frame has", async (store, parker) => {
      await parker.park({ ...parkedRecord("f"), subject: "data.frame", records: 2_048 });
      assert.equal((await entriesIn(store))[0]?.records, 2_048);
    });

    check("keeps data and results apart, in the order of parking", async (store, parker) => {
      await parker.park({ ...parkedRecord("a"), topic: "results", subject: "results.frame" });
      await parker.park(parkedRecord("b"));

      const entries = await entriesIn(store);
      assert.deepEqual(
        entries.map(({ sequence, topic, subject }) => [sequence, topic, subject]),
        [
          [1, "results", "results.frame"],
          [2, "data", "data"],
        ],
      );
    });

    check("puts an item together that was kept in two halves, and removes both", async (store, parker) => {
      const payload = Uint8Array.from({ length: ONE_MIB + 7 }, (_, index) => index % 251);
      await parker.park(parkedRecord("large", payload));
      await parker.park(parkedRecord("small"));

      const [large, small, ...others] = await entriesIn(store);
      assert.deepEqual(others, []);
      assert.deepEqual([large?.sequence, large?.isWhole, small?.sequence], [1, true, 3]);
      assert.ok(Buffer.from(large?.payload ?? []).equals(payload));
      if (large !== undefined) await store.remove(large);
      assert.deepEqual(
        (await entriesIn(store)).map(({ sequence }) => sequence),
        [3],
      );
    });

    check("shows a half whose other half never came as what it is", async (store, _parker, publisher) => {
      await publisher.publish({
        subject: "parked.data",
        payload: Uint8Array.of(1),
        messageId: "parked-x-part1",
        headers: { [HEADER.part]: "1/2", [HEADER.reason]: "undecodable" },
      });
      const entries = await entriesIn(store);
      assert.deepEqual(
        entries.map(({ isWhole, reason }) => [isWhole, reason]),
        [[false, "undecodable"]],
      );
    });

    check("removes one entry for good and no other, also when asked twice", async (store, parker) => {
      for (const id of ["a", "b", "c"]) await parker.park(parkedRecord(id));
      const [, second] = await entriesIn(store);
      assert.ok(second !== undefined);
      await store.remove(second);
      await store.remove(second);

      const numbers = async (from?: number) => (await entriesIn(store, from)).map(({ sequence }) => sequence);
      assert.deepEqual(await numbers(), [1, 3]);
      assert.deepEqual(await numbers(2), [3]);
      assert.deepEqual(await numbers(4), []);
    });

    check("is read as it was at the time of the call", async (store, parker) => {
      const count = 150;
      for (let id = 1; id <= count; id += 1) await parker.park(parkedRecord(String(id)));
      const seen: number[] = [];
      for await (const entry of store.entries()) {
        seen.push(entry.sequence);
        await store.remove(entry);
        await parker.park(parkedRecord(`again-${String(entry.sequence)}`));
      }

      assert.deepEqual(
        seen,
        Array.from({ length: count }, (_, index) => index + 1),
      );
      const left = await entriesIn(store);
      assert.deepEqual([left.length, left[0]?.sequence], [count, count + 1]);
    });

    check("is empty before anything was parked", async (store) => {
      assert.deepEqual(await entriesIn(store), []);
    });
  });
}
