import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import type { Json } from "../../services/fake-bigquery/fake-bigquery.js";
import { EngineError, UserError } from "../../services/shared/errors.js";
import { numbered, openFixture, resultColumns } from "../support/bigquery-fixture.js";
import { START, openLoad } from "../support/load-fixture.js";
import { until } from "../support/until.js";

const EDGES = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n, -1n];

const idsOf = (rows: readonly Json[]): string[] => rows.map((row) => String(row.ID)).sort();

describe("mode load", () => {
  it("loads a batch by one job that is atomic, appends, and makes nothing", async (t) => {
    const { fake, rows, write } = await openLoad(t);

    const outcome = await write(numbered(5_000));

    assert.deepEqual(outcome, { stored: 5_000, repeats: 0, replays: 0, late: 0, rejected: [] });
    assert.equal(rows().length, 5_000);
    const [job, ...others] = fake.jobs;
    assert.equal(others.length, 0);
    assert.deepEqual((job?.configuration as Json).load, {
      destinationTable: { projectId: "p", datasetId: "d", tableId: "t" },
      sourceFormat: "NEWLINE_DELIMITED_JSON",
      createDisposition: "CREATE_NEVER",
      writeDisposition: "WRITE_APPEND",
      maxBadRecords: 0,
      ignoreUnknownValues: false,
    });
  });

  it("keeps every value byte for byte", async (t) => {
    const { rows, write } = await openLoad(t);
    const metas = ["", 'quote " \\ line\n', "{{projectId}} \0", "👩‍👩‍👧", "}{"];
    await write(
      EDGES.map((edge, index) => ({ id: edge, data: edge, rData: edge, meta: metas[index] ?? "" })),
    );

    assert.deepEqual(
      rows().map((row) => [row.ID, row.Data, row.RData, row.Meta]),
      EDGES.map((edge, index) => [String(edge), String(edge), String(edge), metas[index]]),
    );
    assert.equal(rows()[0]?.DTimeStamp, "2026-01-02T03:04:05.123456Z");
  });

  it("takes days that insertAll refuses, and rejects instants that no TIMESTAMP holds", async (t) => {
    const { rows, write } = await openLoad(t);

    const outcome = await write([
      { id: 1n, dTimeUs: -62_135_596_800_000_000n },
      { id: 2n, dTimeUs: -62_135_596_800_000_001n },
      { id: 3n, processTimeUs: 253_402_300_800_000_000n },
    ]);

    assert.deepEqual(idsOf(rows()), ["1"]);
    assert.deepEqual(
      outcome.rejected.map(({ row, reason }) => [row, reason.includes("outside of the years 1 to 9999")]),
      [
        [1, true],
        [2, true],
      ],
    );
  });

  it("runs the identical job after a crash between its start and its end", async (t) => {
    for (const reply of [{ commitThenHang: true }, { dropBeforeCommit: true }]) {
      const { fake, clock, rows, write, reopen, folder } = await openLoad(t);
      fake.fail({ ...START, ...reply });
      clock.holdsWaits = true;
      const crash = new AbortController();
      const writing = write(numbered(3), crash.signal);
      await until(() => fake.requests.some(({ path }) => path === "jobs"));
      crash.abort();
      await until(() => clock.openDeadlines > 1 || clock.waits.length > 0);
      clock.expireDeadlines();
      await assert.rejects(writing, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
      assert.equal(readdirSync(folder).filter((name) => name.endsWith(".ndjson")).length, 1);

      const again = await reopen();
      // Delivered again in other company.
      const outcome = await again.sink.write(
        { parts: [resultColumns([{ id: 9n }]), resultColumns(numbered(3))], rows: 4 },
        new AbortController().signal,
      );

      assert.deepEqual(idsOf(rows()), ["1", "2", "3", "9"]);
      assert.deepEqual([outcome.stored, outcome.replays], [1, 3]);
      assert.equal(fake.jobs.length, 2);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.endsWith(".ndjson")),
        [],
      );
    }
  });

  it("knows messages of a stored batch whose acks were lost, over a restart and long after", async (t) => {
    const { rows, write, reopen } = await openLoad(t);
    await write([...numbered(2), { id: 3n, processTimeUs: 253_402_300_800_000_000n }]);

    const again = await reopen();
    again.clock.now += 86_400_000;
    const outcome = await again.write([...numbered(2), { id: 3n, processTimeUs: 253_402_300_800_000_000n }]);

    assert.deepEqual([outcome.stored, outcome.replays, rows().length], [0, 2, 2]);
    // Whoever crashed before it was parked parks it now.
    assert.deepEqual(
      outcome.rejected.map(({ row }) => row),
      [2],
    );
  });

  it("knows singles that were written together, in whatever company they come again", async (t) => {
    const { rows, sink, reopen } = await openLoad(t);
    const singles = (...ids: bigint[]) => ({
      ...resultColumns(ids.map((id) => (id < 0n ? { id, processTimeUs: 253_402_300_800_000_000n } : { id }))),
      isOfSingles: true,
    });
    const never = new AbortController().signal;
    await sink.write({ parts: [singles(1n, 2n, -3n, 4n), singles(5n)], rows: 5 }, never);

    const again = await reopen();
    const outcome = await again.sink.write(
      { parts: [singles(6n, 5n, -3n), singles(2n, 7n)], rows: 5 },
      never,
    );

    assert.deepEqual(idsOf(rows()), ["1", "2", "4", "5", "6", "7"]);
    assert.deepEqual([outcome.stored, outcome.replays], [2, 2]);
    assert.deepEqual(
      outcome.rejected.map(({ part, row }) => [part, row]),
      [[0, 2]],
    );
  });

  it("knows the rows of a frame whose data were crunched again and answered by others", async (t) => {
    const { rows, sink, write, reopen } = await openLoad(t);
    const never = new AbortController().signal;
    const tooLate = 253_402_300_800_000_000n;
    await write([{ id: 1n }, { id: 3n, processTimeUs: tooLate }, { id: 4n }]);
    const answer = resultColumns([{ id: 1n }, { id: 2n }, { id: 3n }, { id: 4n }]);

    const again = await reopen();
    const first = await again.sink.write({ parts: [answer], rows: 4 }, never);
    const second = await again.sink.write({ parts: [answer], rows: 4 }, never);
    const others = [resultColumns(numbered(9)), resultColumns([{ id: 1n, dTimeUs: 5n }, { id: 10n }])];
    const third = await again.sink.write({ parts: others, rows: 11 }, never);

    assert.deepEqual(
      [first, second, third].map(({ stored, replays, rejected }) => [
        stored,
        replays,
        rejected.map(({ row }) => row),
      ]),
      [
        [1, 2, [2]],
        [0, 3, [2]],
        [7, 3, [2]],
      ],
    );
    // ID 1 was sent again, at another instant.
    const ids = ["1", "1", "10", "2", "4", "5", "6", "7", "8", "9"];
    assert.deepEqual(idsOf(rows()), ids);
    assert.equal(sink.state().ok, true);
  });

  it("forgets a stored batch when its acks cannot be on their way any more", async (t) => {
    const { clock, write, folder } = await openLoad(t);
    // A note and the identities of its rows.
    const notes = (): number => readdirSync(folder).filter((name) => name.startsWith("crunch_")).length / 2;
    await write([{ id: 1n }]);
    clock.now += 600_001;

    await write([{ id: 2n }]);

    assert.equal(notes(), 1);
  });

  it("remembers a stored batch however the machine's clock is set", async (t) => {
    const { clock, rows, write } = await openLoad(t);
    await write([{ id: 1n }]);
    clock.setByMs = 3_600_000;
    await write([{ id: 2n }]);

    const outcome = await write([{ id: 1n }]);

    assert.deepEqual([outcome.stored, outcome.replays, rows().length], [0, 1, 2]);
  });

  it("loads everything again into a table that was made anew", async (t) => {
    const { fake, clock, rows, write, reopen } = await openLoad(t);
    await write(numbered(2));
    fake.drop("d", "t");
    clock.now += 60_000;

    const again = await reopen();
    const outcome = await again.write(numbered(2));

    assert.deepEqual([outcome.stored, rows().length], [2, 2]);
  });

  it("starts no more jobs in 24 hours than allowed, restarts included", async (t) => {
    const { clock, fake, write, reopen } = await openLoad(t, "&loads-per-day=70");
    const startedAtMs: number[] = [];
    let id = 0n;
    for (; id < 40n; id++) {
      await write([{ id }]);
      startedAtMs.push(clock.now);
    }
    const again = await reopen();
    again.clock.now = clock.now;
    for (; id < 160n; id++) {
      await again.write([{ id }]);
      startedAtMs.push(again.clock.now);
    }

    assert.equal(fake.jobs.length, 160);
    assert.equal(startedAtMs[4], startedAtMs[0], "a short back-fill does not wait");
    const most = Math.max(
      ...startedAtMs.map(
        (fromMs) => startedAtMs.filter((ms) => ms >= fromMs && ms < fromMs + 86_400_000).length,
      ),
    );
    assert.equal(most, 70);
  });

  it("refuses a spool that another process has", async (t) => {
    const { folder, fake } = await openLoad(t);
    await assert.rejects(
      openFixture(t, { uri: `bigquery:p/d/t?mode=load&spool=${folder}/lock.duckdb`, endpoint: fake.url }),
      (thrown) => thrown instanceof UserError && /spool .*lock\.duckdb cannot be made/.test(thrown.message),
    );
  });
});
