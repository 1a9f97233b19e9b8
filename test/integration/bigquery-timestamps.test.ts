/** Instants that BigQuery refuses never leave: whoever sent them gets no neighbour into trouble. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { PlainResult } from "../support/bigquery-fixture.js";
import { STORED_AT_US, numbered, openFixture } from "../support/bigquery-fixture.js";
import { tempFolder } from "../support/temp-folder.js";

const YEAR_1_US = -62_135_596_800_000_000n;
const YEAR_9999_US = 253_402_300_799_999_999n;
const DAY_US = 86_400_000_000n;
/** The fixture's clock stands in 2026-01-02. */
const TEN_YEARS_BACK_US = BigInt(Date.UTC(2016, 0, 2)) * 1000n;
const A_YEAR_AHEAD_US = BigInt(Date.UTC(2027, 0, 2)) * 1000n;

const folder = tempFolder();
after(() => folder.remove());

/** Refused by every table: no TIMESTAMP holds them. */
const NEVER: readonly PlainResult[] = [
  { id: 101n, dTimeUs: YEAR_1_US - 1n },
  { id: 102n, dTimeUs: YEAR_9999_US + 1n },
  { id: 103n, dTimeUs: -(2n ** 63n) },
  { id: 104n, processTimeUs: YEAR_1_US - 1n },
  { id: 105n, processTimeUs: YEAR_9999_US + 1n },
  { id: 106n, processTimeUs: 2n ** 63n - 1n },
];
/** Refused by insertAll where the table is cut by DTimeStamp. */
const OUTSIDE_OF_WINDOW: readonly PlainResult[] = [
  { id: 201n, dTimeUs: YEAR_1_US },
  { id: 202n, dTimeUs: TEN_YEARS_BACK_US - DAY_US },
  { id: 203n, dTimeUs: A_YEAR_AHEAD_US + 2n * DAY_US },
  { id: 204n, dTimeUs: YEAR_9999_US },
];
const ALWAYS: readonly PlainResult[] = [
  ...numbered(2),
  { id: 3n, dTimeUs: TEN_YEARS_BACK_US + DAY_US },
  { id: 4n, dTimeUs: A_YEAR_AHEAD_US },
  { id: 5n, processTimeUs: YEAR_1_US },
  { id: 6n, processTimeUs: YEAR_9999_US },
];

/** What goes into each kind of table, by URI. */
const TABLES: readonly (readonly [string, readonly PlainResult[]])[] = [
  ["mode=stream", ALWAYS],
  ["mode=stream&partition=month", ALWAYS],
  ["mode=stream&partition=none", [...ALWAYS, ...OUTSIDE_OF_WINDOW]],
  ["mode=write", ALWAYS],
  ["mode=write&partition=none", [...ALWAYS, ...OUTSIDE_OF_WINDOW]],
  ["mode=upsert", ALWAYS],
  ["mode=load", [...ALWAYS, ...OUTSIDE_OF_WINDOW]],
  ["mode=load&partition=none", [...ALWAYS, ...OUTSIDE_OF_WINDOW]],
];

const sorted = (ids: readonly string[]): string[] => [...ids].sort();

describe("an instant that BigQuery refuses", () => {
  for (const [params, taken] of TABLES) {
    it(`is rejected before it is sent with ${params}, and its neighbours are stored`, async (t) => {
      const spool = params.startsWith("mode=load")
        ? `&spool=${join(folder.path, params.replaceAll(/\W/g, "-"))}`
        : "";
      const { fake, rows, write, warnings } = await openFixture(t, { params: `${params}${spool}` });
      const all = [...NEVER, ...ALWAYS, ...OUTSIDE_OF_WINDOW];

      const outcome = await write(all);

      const takenIds = sorted(taken.map(({ id }) => String(id)));
      assert.deepEqual(sorted(rows().map((row) => String(row.ID))), takenIds);
      const rejectedIds = outcome.rejected.map(({ row }) => String(all[row]?.id));
      assert.deepEqual(
        sorted(rejectedIds),
        sorted(all.map(({ id }) => String(id))).filter((id) => !takenIds.includes(id)),
      );
      assert.ok(
        outcome.rejected.every(({ reason }) => /^(?:DTimeStamp|ProcessTime) .* is outside of/.test(reason)),
      );
      const sent = fake.requests.map(({ body }) => body.toString()).join();
      for (const id of rejectedIds) assert.ok(!sent.includes(`"ID":"${id}"`), `ID ${id} was sent`);
      assert.deepEqual([outcome.stored, warnings], [taken.length, []]);
    });
  }

  it("is one of the day that it is: the window moves with the clock", async (t) => {
    const { write, clock } = await openFixture(t);
    const tenYearsBack = [{ id: 1n, dTimeUs: TEN_YEARS_BACK_US + DAY_US }];

    const before = await write(tenYearsBack);
    clock.now += Number((2n * DAY_US) / 1000n);
    const later = await write([...tenYearsBack, { id: 2n, dTimeUs: STORED_AT_US }]);

    assert.deepEqual([before.stored, later.stored, later.rejected.length], [1, 1, 1]);
  });
});
