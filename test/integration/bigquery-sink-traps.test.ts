import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { numbered, openFixture } from "../support/bigquery-fixture.js";
import { until } from "../support/until.js";

interface SentBody {
  readonly skipInvalidRows: boolean;
  readonly rows: readonly { readonly insertId: string; readonly json: Record<string, unknown> }[];
}

const sentRows = (body: Buffer | undefined): SentBody => JSON.parse(String(body)) as SentBody;

// What Google's client does by itself, each kept from harming rows. Take the protection out and the test fails.
describe("a trap of Google's client", () => {
  it("no deadline of its own: a server that never answers gets the same bytes again", async (t) => {
    const { fake, clock, rows, write } = await openFixture(t);
    fake.fail({ hang: true }, { commitThenHang: true });

    const writing = write(numbered(2));
    for (let request = 1; request <= 2; request++) {
      await until(() => fake.insertBodies.length === request && clock.openDeadlines === 1);
      clock.now += 30_000;
      clock.expireDeadlines();
    }
    const outcome = await writing;

    assert.equal(outcome.stored, 2);
    assert.equal(rows().length, 2);
    const [first, second, third] = fake.insertBodies;
    assert.ok(first !== undefined && second?.equals(first) && third?.equals(first));
  });

  it("a BigInt never settles: int64 leave as decimal strings", async (t) => {
    const { fake, write } = await openFixture(t);

    await write([{ id: -(2n ** 63n), data: 2n ** 63n - 1n, rData: 0n }]);

    const [row] = sentRows(fake.insertBodies[0]).rows;
    assert.deepEqual(
      [row?.json.ID, row?.json.Data, row?.json.RData],
      ["-9223372036854775808", "9223372036854775807", "0"],
    );
  });

  it("{{projectId}} becomes the project: texts leave untouched", async (t) => {
    const { rows, write } = await openFixture(t);

    await write([{ id: 1n, meta: "{{projectId}} stays" }]);

    assert.equal(rows()[0]?.Meta, "{{projectId}} stays");
  });

  it("any 200 is success: only insertAll's own reply counts", async (t) => {
    const { fake, rows, clock, write } = await openFixture(t);
    fake.fail(
      { html200: true },
      { body: "" },
      { body: "[]" },
      { body: '{"kind":"bigquery#table"}' },
      { body: '{"kind":"bigquery#tableDataInsertAllResponse","insertErrors":[{"index":5,"errors":[]}]}' },
      { body: '{"kind":"bigquery#tableDataInsertAllResponse","insertErrors":"none"}' },
    );

    const outcome = await write(numbered(2));

    assert.deepEqual([outcome.stored, rows().length, clock.waits.length], [2, 2, 6]);
  });

  it("a new insertId for each try: rows keep theirs, alone and in company", async (t) => {
    const { fake, rows, write } = await openFixture(t);
    fake.fail(
      { commitThenDrop: true },
      { rowErrors: (_row, index) => (index === 1 ? { reason: "timeout" } : undefined) },
    );

    await write(numbered(3));

    const ids = fake.insertBodies.map((body) => sentRows(body).rows.map(({ insertId }) => insertId));
    const micros = "1767323045123456";
    assert.deepEqual(ids, [
      [`1-${micros}`, `2-${micros}`, `3-${micros}`],
      [`1-${micros}`, `2-${micros}`, `3-${micros}`],
      [`2-${micros}`],
    ]);
    assert.equal(rows().length, 3);
  });

  it("bad rows are sent three times more: a refused row is sent once", async (t) => {
    const { fake, write } = await openFixture(t);
    fake.fail({ rowErrors: (row) => (row.ID === "2" ? { reason: "invalid" } : undefined), times: 9 });

    const outcome = await write(numbered(3));

    assert.deepEqual([outcome.stored, outcome.rejected.length, fake.insertBodies.length], [2, 1, 1]);
  });

  it("maxRetries 0 means 3: between two of our waits there is one request", async (t) => {
    const { fake, clock, write } = await openFixture(t);
    fake.fail({ status: 503, times: 2 });
    const requestsAtWait: number[] = [];
    clock.onWait = () => requestsAtWait.push(fake.insertBodies.length);

    await write(numbered(1));

    assert.deepEqual(requestsAtWait, [1, 2]);
  });

  it("once its total time is over it never settles: a late refusal comes back, and rows go again", async (t) => {
    const { fake, rows, clock, write } = await openFixture(t);
    fake.fail({ status: 503, latencyMs: 50, times: 3 });
    let stored = 0;

    void write(numbered(2)).then((outcome) => (stored = outcome.stored));
    await until(() => stored === 2, 30_000, "the end of the write");

    assert.deepEqual([rows().length, clock.waits], [2, [200, 400, 800]]);
  });

  it("a missing table is made and waited for without end: it is never made again while writing", async (t) => {
    const { fake, clock, sink, write } = await openFixture(t);
    const requestsBefore = fake.requests.length;
    fake.fail({ notFoundForMs: 10_000 });
    const states: boolean[] = [];
    clock.onWait = () => states.push(sink.state().ok);

    const outcome = await write(numbered(2));

    assert.equal(outcome.stored, 2);
    assert.ok(states.length > 0 && states.every((ok) => !ok));
    const written = fake.requests.slice(requestsBefore);
    assert.ok(written.every(({ path }) => path === "datasets/d/tables/t/insertAll"));
  });

  it("a stream says done before the reply: a write is done after it", async (t) => {
    const { fake, clock, write } = await openFixture(t);
    fake.fail({ hang: true });
    let isDone = false;

    const writing = write(numbered(1)).then(() => {
      isDone = true;
    });
    await until(() => fake.insertBodies.length === 1);
    assert.equal(isDone, false);
    clock.expireDeadlines();
    await writing;

    assert.equal(fake.insertBodies.length, 2);
  });

  it("BIGQUERY_EMULATOR_HOST replaces the address: ours stays", async (t) => {
    process.env.BIGQUERY_EMULATOR_HOST = "http://127.0.0.1:1";
    t.after(() => {
      delete process.env.BIGQUERY_EMULATOR_HOST;
    });

    const { rows, write } = await openFixture(t);
    await write(numbered(1));

    assert.equal(rows().length, 1);
  });

  it("credentials go to any address: an endpoint gets none", async (t) => {
    const { fake, write } = await openFixture(t);

    await write(numbered(1));

    assert.ok(fake.requests.every(({ headers }) => headers.authorization === undefined));
  });

  it("bad rows stop the others: good ones go in with them", async (t) => {
    const { fake, rows, write } = await openFixture(t);
    fake.fail({
      rowErrors: (_row, index) =>
        index === 0 ? { reason: "invalid", location: "meta", message: "too long" } : undefined,
    });

    const outcome = await write(numbered(3));

    assert.equal(sentRows(fake.insertBodies[0]).skipInvalidRows, true);
    assert.equal(rows().length, 2);
    assert.deepEqual(outcome.rejected, [{ part: 0, row: 0, reason: "invalid at meta: too long" }]);
  });
});
