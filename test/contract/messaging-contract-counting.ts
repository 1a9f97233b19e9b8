/** What every implementation counts: each record that a stream ever had, and the notes of accounts. */
import assert from "node:assert/strict";
import { RecordFrameEncoder } from "../../services/shared/codec/record-codec.js";
import { lookAtLedger, outstandingOf } from "../../services/shared/ledger.js";
import { HEADER } from "../../services/shared/messaging.js";
import type { Messaging } from "../../services/shared/messaging.js";
import { Parker } from "../../services/shared/parking.js";
import { collect } from "../support/collect.js";
import { until } from "../support/until.js";
import { bytesOf, consumerOf, isIdle, publish } from "./messaging-contract-kit.js";
import type { Check } from "./messaging-contract-kit.js";

let frames = 0;

async function publishFrame(messaging: Messaging, records: number, isOurs = true): Promise<void> {
  const encoder = new RecordFrameEncoder();
  for (let record = 0; record < records; record += 1) encoder.add(BigInt(record), 1n, "");
  frames += 1;
  await messaging.publisher.publish({
    subject: "data.frame",
    payload: encoder.finish(),
    messageId: `frame-${String(frames)}`,
    ...(isOurs && { headers: { [HEADER.records]: String(records) } }),
  });
}

export function countingContract(check: Check): void {
  check("counts singles, frames, and frames of clients that do not say how many", async (messaging) => {
    await publish(messaging, "one");
    await publishFrame(messaging, 7);
    await publishFrame(messaging, 5, false);
    await publish(messaging, "two");

    const { data, results, parked } = await messaging.streamsLook();
    assert.deepEqual([data.records, data.settledRecords, results.records], [14, 0, 0]);
    assert.deepEqual(parked, { fromData: 0, fromResults: 0, rows: 0, reasons: {}, keptMessages: 0 });
    assert.ok(Math.abs((data.oldestUnfinishedAtMs ?? 0) - Date.now()) < 60_000);
    assert.equal(outstandingOf({ data, results, parked }), 14);
  });

  check(
    "keeps counting what is finished and removed",
    async (messaging) => {
      const consumer = collect(await consumerOf(messaging));
      // Each more than a twentieth of the stream, so that finished ones are trimmed on the way.
      for (let round = 0; round < 30; round += 1) {
        await publishFrame(messaging, 3);
        const payload = new Uint8Array(60_000);
        await messaging.publisher.publish({ subject: "data", payload, messageId: `big-${String(round)}` });
      }
      await until(() => isIdle(messaging), 60_000, "every message finished");
      const { data } = await messaging.streamsLook();
      assert.deepEqual([data.records, data.settledRecords, data.oldestUnfinishedAtMs], [120, 120, undefined]);
      await consumer.stop();
    },
    1_048_576,
  );

  check(
    "counts what was parked by where it came from, also when it is gone",
    async (messaging, { store }) => {
      const parker = new Parker(messaging.publisher, "e");
      const payload = bytesOf("x");
      const origin = { stream: "DATA", streamCreatedAt: "t", sequence: 1, storedAtNs: 0n, deliveries: 1 };
      const item = { payload, reason: "r", error: "" };
      await parker.park({ ...item, topic: "data", id: "a", origin, records: 4 });
      await parker.park({ ...item, topic: "results", id: "b", origin });
      await parker.park({ ...item, topic: "data", id: "row", reason: "bad_row" });
      const expected = { fromData: 4, fromResults: 1, rows: 1, reasons: { r: 5, bad_row: 1 } };
      assert.deepEqual((await messaging.streamsLook()).parked, { ...expected, keptMessages: 3 });

      for await (const entry of store.entries()) await store.remove(entry);
      assert.deepEqual((await messaging.streamsLook()).parked, { ...expected, keptMessages: 0 });
    },
  );

  check("finds a record that was acked and is nowhere", async (messaging) => {
    const consumer = collect(await consumerOf(messaging));
    await publishFrame(messaging, 6);
    await until(() => isIdle(messaging), 30_000, "the frame finished");
    const { ledger } = await lookAtLedger(messaging);
    assert.deepEqual([ledger.published, ledger.outstanding, ledger.unaccounted], [6, 6, 6]);
    await consumer.stop();
  });

  check(
    "keeps notes, the newest of each key, and replaces one only if it is the expected one",
    async ({ notes }) => {
      assert.equal(await notes.read("count.X"), undefined);
      assert.equal(await notes.write("count.X", { a: 1 }, 0), true);
      assert.equal(await notes.write("count.X", { a: 2 }, 0), false);
      const first = await notes.read("count.X");
      assert.ok(first !== undefined);
      assert.deepEqual(first.value, { a: 1 });
      assert.equal(await notes.write("count.X", { a: 3 }, first.revision), true);
      await notes.write("other.Y", "y");
      assert.deepEqual(
        (await notes.all("count")).map(({ key, value }) => [key, value]),
        [["count.X", { a: 3 }]],
      );
      await notes.remove("count.X");
      await notes.remove("count.X");
      assert.deepEqual([await notes.read("count.X"), await notes.all("count")], [undefined, []]);
    },
  );
}
