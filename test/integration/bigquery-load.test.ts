import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import type { FakeBigQuery, Json } from "../../services/fake-bigquery/fake-bigquery.js";
import { EngineError, UserError } from "../../services/shared/errors.js";
import type { Fixture } from "../support/bigquery-fixture.js";
import { numbered, openFixture, resultColumns } from "../support/bigquery-fixture.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const START = { on: { method: "POST", path: /^jobs$/ } };
const LOOK = { on: { method: "GET", path: /^jobs\// } };
const EDGES = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n, -1n];

const idsOf = (rows: readonly Json[]): string[] => rows.map((row) => String(row.ID)).sort();
const jobIds = (fake: FakeBigQuery): string[] =>
  fake.jobs.map((job) => (job.jobReference as { jobId: string }).jobId);

interface LoadFixture extends Fixture {
  readonly folder: string;
  /** Ends the sink and opens another on the same table and spool, as after a restart. */
  readonly reopen: () => Promise<Fixture>;
}

async function openLoad(t: TestContext, params = ""): Promise<LoadFixture> {
  const temp = tempFolder();
  t.after(() => temp.remove());
  const uri = `bigquery:p/d/t?mode=load&spool=${temp.path}${params}`;
  const fixture = await openFixture(t, { uri });
  return {
    ...fixture,
    folder: temp.path,
    reopen: async () => {
      await fixture.sink.close();
      const again = await openFixture(t, { uri, endpoint: fixture.fake.url });
      return { ...again, fake: fixture.fake, rows: fixture.rows, viewRows: fixture.viewRows };
    },
  };
}

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

  it("forgets a stored batch when its acks cannot be on their way any more", async (t) => {
    const { clock, write, folder } = await openLoad(t);
    const notes = (): number => readdirSync(folder).filter((name) => name.startsWith("crunch_")).length;
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

  it("isolates a bad row by halving and stores its neighbours", async (t) => {
    const { fake, rows, warnings, sink } = await openLoad(t);
    const rowErrors = (row: Json): { reason: string; message: string } | undefined =>
      row.ID === "37" ? { reason: "invalid", message: "no" } : undefined;
    fake.fail({ ...START, rowErrors, times: 99 });

    const early = { id: 0n, processTimeUs: 253_402_300_800_000_000n };
    const outcome = await sink.write(
      { parts: [resultColumns([early, { id: 100n }]), resultColumns(numbered(64))], rows: 66 },
      new AbortController().signal,
    );

    assert.equal(outcome.stored, 64);
    assert.deepEqual(
      outcome.rejected.map(({ part, row }) => [part, row]),
      [
        [0, 0],
        [1, 36],
      ],
    );
    assert.match(outcome.rejected[1]?.reason ?? "", /^invalid at upload: row 1: no$/);
    assert.equal(rows().length, 64);
    assert.deepEqual(warnings, []);
  });

  it("pauses, and rejects nothing, when every row is refused", async (t) => {
    const { fake, rows, sink, warnings, clock, write } = await openLoad(t);
    fake.fail({ ...START, rowErrors: () => ({ reason: "invalid", message: "no" }), times: 400 });
    let paused = "";
    clock.onWait = () => {
      if (!sink.state().ok) paused = sink.state().detail;
      if (!sink.state().ok) fake.heal();
    };

    const outcome = await write(numbered(64));

    assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [64, 0, 64]);
    assert.match(paused, /each row of a load is refused: invalid/);
    assert.deepEqual([warnings.length, sink.state().ok], [1, true]);
  });

  const failures: readonly (readonly [string, Json])[] = [
    ["a start that gets no answer", { ...START, commitThenDrop: true }],
    ["a 503 at the start", { ...START, status: 503 }],
    ["a quota at the start", { ...START, status: 403, reason: "quotaExceeded" }],
    ["no rights at the start", { ...START, status: 403, reason: "accessDenied" }],
    ["a captive portal", { ...START, html200: true }],
    ["a look that fails", { ...LOOK, status: 503 }],
    ["a look without rights", { ...LOOK, status: 403, reason: "accessDenied" }],
    ["a job that BigQuery lost", { ...LOOK, status: 404, reason: "notFound" }],
    ["a job that ends with a backend error", { ...START, jobError: { reason: "backendError" } }],
    ["a job that ends with a quota", { ...START, jobError: { reason: "quotaExceeded" } }],
    ["a job that finds no table", { ...START, jobError: { reason: "notFound" } }],
  ];
  for (const [name, fault] of failures) {
    it(`loads each row once after ${name}`, async (t) => {
      const { fake, rows, write } = await openLoad(t);
      fake.fail({ ...fault, times: 3 });

      const outcome = await write(numbered(10));

      assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [10, 0, 10]);
      // A failed job's id is spent; one that may be running is never given another.
      assert.equal(fake.jobs.length, "jobError" in fault ? 4 : 1);
      assert.equal(new Set(jobIds(fake)).size, fake.jobs.length);
    });
  }

  it("waits for a job that runs long", async (t) => {
    const { fake, clock, write } = await openLoad(t);
    fake.fail({ ...START, runsForLooks: 8 });

    assert.equal((await write(numbered(1))).stored, 1);
    assert.deepEqual(clock.waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
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
