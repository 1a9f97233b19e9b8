import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FakeBigQuery, Json } from "../../services/fake-bigquery/fake-bigquery.js";
import { numbered, resultColumns } from "../support/bigquery-fixture.js";
import { LOOK, START, openLoad } from "../support/load-fixture.js";
import { until } from "../support/until.js";

const jobIds = (fake: FakeBigQuery): string[] =>
  fake.jobs.map((job) => (job.jobReference as { jobId: string }).jobId);

describe("mode load, when something fails,", () => {
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

  for (const [what, fault] of [
    ["start", { ...START, commitThenHang: true }],
    ["start that BigQuery never saw", { ...START, hang: true }],
    ["look", { ...LOOK, hang: true }],
  ] as const) {
    it(`asks again after a ${what} that gets no answer, and loads each row once`, async (t) => {
      const { fake, clock, rows, write } = await openLoad(t);
      const isFit = ({ method, path }: { method: string; path: string }): boolean =>
        method === fault.on.method && fault.on.path.test(path);
      const asked = (): number => fake.requests.filter(isFit).length;
      fake.fail(fault);

      const writing = write(numbered(3));
      await until(() => asked() === 1 && clock.openDeadlines === 1, 30_000, "the request");
      clock.expireDeadlines();
      const outcome = await writing;

      assert.deepEqual([outcome.stored, rows().length, fake.jobs.length, asked()], [3, 3, 1, 2]);
    });
  }

  it("waits for a job that runs long", async (t) => {
    const { fake, clock, write } = await openLoad(t);
    fake.fail({ ...START, runsForLooks: 8 });

    assert.equal((await write(numbered(1))).stored, 1);
    assert.deepEqual(clock.waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });
});
