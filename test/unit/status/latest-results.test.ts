import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeRecords } from "../../../services/shared/codec/record-codec.js";
import { ResultEncoder } from "../../../services/shared/codec/result-codec.js";
import { MemoryMessaging } from "../../../services/shared/memory/memory-messaging.js";
import type { Subject } from "../../../services/shared/messaging.js";
import { latestResults } from "../../../services/status/latest-results.js";
import { frameOf, singleOf, singlesOf } from "../../support/jobs.js";

const STORED_AT_MS = 1_800_000_000_000;

/** The result of each record is ready 250 ms after the one before. */
function resultsOf(ids: readonly bigint[], isFrame: boolean): Uint8Array {
  const records = ids.map((id) => ({ id, data: id * 2n, meta: `m${String(id)}` }));
  const [record] = records;
  const job = isFrame || record === undefined ? frameOf(records) : singleOf(record);
  const encoder = new ResultEncoder();
  encoder.begin(decodeRecords(job.payload, isFrame), BigInt(STORED_AT_MS) * 1_000_000n);
  for (const [row, id] of ids.entries()) encoder.add(row, id * 3n, STORED_AT_MS + 250 * (row + 1));
  const frame = encoder.finish();
  return isFrame ? frame : (singlesOf(frame)[0] ?? frame);
}

async function streamsWith(
  ...messages: readonly (readonly [subject: Subject, payload: Uint8Array])[]
): Promise<MemoryMessaging> {
  const messaging = new MemoryMessaging();
  for (const [index, [subject, payload]] of messages.entries()) {
    await messaging.publisher.publish({ subject, payload, messageId: String(index) });
  }
  return messaging;
}

describe("the latest results", () => {
  it("are the end of RESULTS, newest first, as people read them", async () => {
    const messaging = await streamsWith(["results.frame", resultsOf([1n, 2n], true)]);
    const { rows, crunchSeconds } = await latestResults(messaging);

    assert.deepEqual(rows[0], {
      ID: "2",
      Data: "4",
      Meta: "m2",
      DTimeStamp: "2027-01-15T08:00:00.000000Z",
      RData: "6",
      ProcessTime: "2027-01-15T08:00:00.500000Z",
    });
    assert.equal(rows[1]?.ID, "1");
    assert.equal(crunchSeconds, 0.5);
  });

  it("are twelve at most, out of frames and singles", async () => {
    const ids = Array.from({ length: 40 }, (_, index) => BigInt(index));
    const messaging = await streamsWith(
      ["results.frame", resultsOf(ids, true)],
      ["results", resultsOf([100n], false)],
      ["results", resultsOf([101n], false)],
    );
    const { rows } = await latestResults(messaging);

    assert.equal(rows.length, 12);
    assert.deepEqual(
      rows.slice(0, 4).map(({ ID }) => ID),
      ["101", "100", "39", "38"],
    );
  });

  it("leave out what is no result, and are none where there is none", async () => {
    const messaging = await streamsWith(
      ["results", resultsOf([7n], false)],
      ["results", new Uint8Array([255, 255])],
    );
    assert.deepEqual(
      (await latestResults(messaging)).rows.map(({ ID }) => ID),
      ["7"],
    );
    assert.deepEqual(await latestResults(new MemoryMessaging()), { rows: [], crunchSeconds: undefined });
  });
});
