import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hexDump, listJson, listLine, showJson, showText } from "../../../services/parked/parked-lines.js";
import type { ParkedEntry } from "../../../services/shared/parked-store.js";
import { frameOf } from "../../support/jobs.js";
import { resultFrame } from "../../support/result-columns.js";

const entry: ParkedEntry = {
  sequence: 5,
  id: "PARKED-t-5",
  parkedAtMs: 1_000,
  topic: "data",
  subject: "data.frame",
  payload: frameOf([1n, 2n, 3n, 4n, 5n].map((data) => ({ data, meta: "m\u001b[31m\n" }))).payload,
  isWhole: true,
  records: 5,
  reason: "cruncher_threw",
  error: "TypeError: cannot \u001b[2J\nat crunch (x.mjs:1:1)",
  engine: "host-1-ab",
  origin: { stream: "DATA", sequence: 9, deliveries: 2 },
  trace: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
  sequences: [5],
};

describe("what crunch parked prints", () => {
  it("has an entry on one line, with some IDs and the first line of its error", () => {
    assert.equal(
      listLine(entry).replace(/ +/g, " "),
      "5 1970-01-01T00:00:01.000Z data cruncher_threw 0,1,2 +2 host-1-ab TypeError: cannot \\u001b[2J\n",
    );
    const { ids, origin, traceId } = JSON.parse(listJson(entry)) as Record<string, unknown>;
    const trace = "0af7651916cd43dd8448eb211c80319c";
    assert.deepEqual([ids, origin, traceId], [["0", "1", "2", "3", "4"], entry.origin, trace]);
  });

  it("shows every record and the whole stack, and lets nothing steer the terminal", () => {
    const text = showText(entry);
    assert.match(text, /^error {7}TypeError: cannot \\u001b\[2J\n {12}at crunch \(x\.mjs:1:1\)$/m);
    assert.match(text, /^trace {7}0af7651916cd43dd8448eb211c80319c$/m);
    assert.match(text, /^ID=4 {2}Data=5 {2}Meta="m\\u001b\[31m\\n"$/m);

    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]/);
  });

  it("shows results with their times to the microsecond", () => {
    const payload = resultFrame([{ ID: 1n, RData: -3n, storedAtMs: 1_700_000_000_123, processedAtMs: 5 }]);
    const results: ParkedEntry = { ...entry, topic: "results", subject: "results.frame", payload };
    assert.match(
      showText(results),
      /DTimeStamp=2023-11-14T22:13:20\.123000Z {2}RData=-3 {2}ProcessTime=1970-01-01T00:00:00\.005000Z\n$/,
    );
  });

  it("shows a row of a file as text and other bytes as a hex dump", () => {
    const row = { ...entry, subject: undefined, origin: undefined, payload: Buffer.from("1.5,ü\n") };
    assert.match(showText(row), /\n\n1\.5,ü\n\n$/);
    assert.match(
      showText({ ...entry, payload: Uint8Array.of(0xff, 0x41) }),
      /\n00000000 {2}ff 41 +\|\.A\|\n$/,
    );
    assert.equal(hexDump(new Uint8Array(17)).split("\n").length, 3);
  });

  it("gives programs the very bytes", () => {
    const shown = JSON.parse(showJson(entry)) as { payload: string; rows: { ID: string }[] };
    assert.ok(Buffer.from(shown.payload, "base64").equals(entry.payload));
    assert.equal(shown.rows[4]?.ID, "4");
  });
});
