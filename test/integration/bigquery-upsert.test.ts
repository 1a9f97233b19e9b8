import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PlainResult } from "../support/bigquery-fixture.js";
import { STORED_AT_US, openFixture } from "../support/bigquery-fixture.js";

describe("mode=upsert", () => {
  const at = (processTimeUs: bigint, rData: bigint): PlainResult => ({ id: 7n, rData, processTimeUs });

  it("keeps the newest ProcessTime of an ID in the table, in whatever order results arrive", async (t) => {
    const { rows, clock, write } = await openFixture(t, { mode: "upsert" });
    const times = [STORED_AT_US, -5n, STORED_AT_US + 9n, 1n << 40n, STORED_AT_US + 8n];

    for (const [index, time] of times.entries()) {
      clock.now += 1_000;
      await write([at(time, BigInt(index))]);
    }

    assert.equal(rows().length, 1);
    assert.deepEqual([rows()[0]?.RData, rows()[0]?.ProcessTime], ["2", "2026-01-02T03:04:05.123465Z"]);
  });

  it("lets the row written last win among those of one ProcessTime, as the view does", async (t) => {
    const { fake, rows, viewRows, clock, write } = await openFixture(t, { mode: "upsert" });
    await write([at(STORED_AT_US, 1n)]);
    clock.now += 1_000;
    await write([at(STORED_AT_US, 2n)]);
    // A replay of the first, late on its way: its bytes are those of then.
    clock.now -= 500;
    await write([at(STORED_AT_US, 3n)]);

    assert.deepEqual(
      rows().map((row) => row.RData),
      ["2"],
    );
    assert.deepEqual(viewRows(), fake.rows("d", "t"));
  });

  it("is refused at start by a table whose primary key is not ID, in one sentence that says what to do", async (t) => {
    const { fake } = await openFixture(t, { mode: "write" });
    for (const columns of [[], ["Data"], ["ID", "Data"]]) {
      fake.define("d", "t", { tableConstraints: { primaryKey: { columns } } });
      const uri = `bigquery:p/d/t?mode=upsert&endpoint=${fake.url}`;
      await assert.rejects(
        openFixture(t, { uri }),
        /its primary key is not ID, .*ADD PRIMARY KEY \(ID\) NOT ENFORCED/,
      );
    }
  });
});
