import assert from "node:assert/strict";
import { it } from "node:test";
import { ParkedLog } from "../../../services/shared/parked-log.js";

it("what is parked is told at once, then every 10 s at most, with how many it was and the newest trace", () => {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = new ParkedLog((details) => lines.push(details));
  const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

  for (const nowMs of [0, 1, 9_999]) log.parked({ topic: "data", reason: "bad_row" }, nowMs);
  log.parked({ topic: "data", reason: "timed_out", trace }, 10_000);

  assert.deepEqual(lines, [
    { event: "parked", count: 1, topic: "data", reason: "bad_row" },
    {
      event: "parked",
      count: 3,
      topic: "data",
      reason: "timed_out",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
    },
  ]);
});
