import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineError } from "../../services/shared/errors.js";
import { numbered, openFixture } from "../support/bigquery-fixture.js";
import type { Fault } from "../../services/fake-bigquery/fake-bigquery.js";
import { until } from "../support/until.js";

const INVALID = { reason: "invalid", message: "no" };
const sentCounts = (bodies: readonly Buffer[]): number[] =>
  bodies.map((body) => (JSON.parse(String(body)) as { rows: unknown[] }).rows.length);

describe("what passes is tried again", () => {
  const passing: readonly (readonly [string, Fault])[] = [
    ["a dropped connection", { dropBeforeCommit: true }],
    ...[408, 500, 502, 503, 504].map((status): [string, Fault] => [String(status), { status }]),
    ["429", { status: 429 }],
    ["a quota", { status: 403, reason: "quotaExceeded" }],
    ["a rate limit", { status: 403, reason: "rateLimitExceeded" }],
    ["a backend error in a 400", { status: 400, reason: "backendError" }],
  ];
  for (const [name, fault] of passing) {
    it(`${name}, unnoticed by people`, async (t) => {
      const { fake, rows, warnings, clock, write } = await openFixture(t);
      fake.fail({ ...fault, times: 2 });

      const outcome = await write(numbered(2));

      assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [2, 0, 2]);
      const isQuota = /429|quota|rate/.test(name);
      assert.deepEqual(clock.waits, isQuota ? [2_000, 4_000] : [200, 400]);
      assert.deepEqual(warnings, []);
    });
  }

  it("for as long as it takes, and people are told once", async (t) => {
    const { fake, sink, warnings, clock, write } = await openFixture(t);
    fake.fail({ status: 503, times: 40 });
    const states: boolean[] = [];
    clock.onWait = () => states.push(sink.state().ok);

    await write(numbered(1));

    assert.equal(clock.waits.length, 40);
    assert.equal(Math.max(...clock.waits), 4_000);
    assert.deepEqual([states[3], states[4], states[39]], [true, false, false]);
    assert.equal(warnings.length, 1);
    assert.equal(sink.state().ok, true);
  });

  it("rows that came back for no fault of theirs, alone", async (t) => {
    const { fake, rows, write } = await openFixture(t);
    const reasons = ["stopped", "timeout", "backendError", "somethingNew"];
    fake.fail(
      ...reasons.map((reason, done) => ({
        rowErrors: (_row: unknown, index: number) => (done === 0 && index === 0 ? undefined : { reason }),
      })),
    );

    const outcome = await write(numbered(4));

    assert.deepEqual(sentCounts(fake.insertBodies), [4, 3, 3, 3, 3]);
    assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [4, 0, 4]);
  });

  it("keeps RTimeStamp of the first try", async (t) => {
    const { fake, rows, clock, write } = await openFixture(t);
    fake.fail({ status: 503, times: 5 }, { status: 413 });

    await write(numbered(2));

    assert.ok(clock.now > Date.UTC(2026, 0, 2, 3, 4, 6));
    assert.deepEqual(
      rows().map((row) => [row.RTimeStamp, row.Late]),
      [
        ["2026-01-02T03:04:05.678000Z", false],
        ["2026-01-02T03:04:05.678000Z", false],
      ],
    );
  });

  it("until the engine stops: then the messages come again", async (t) => {
    const { fake, clock, write } = await openFixture(t);
    fake.fail({ status: 503, times: 1 });
    clock.holdsWaits = true;
    const stopping = new AbortController();

    const writing = write(numbered(1), stopping.signal);
    await until(() => clock.waits.length === 1);
    stopping.abort();

    await assert.rejects(writing, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
  });

  it("until the engine stops: an answer that does not come is not waited for", async (t) => {
    const { fake, clock, write } = await openFixture(t);
    fake.fail({ hang: true });
    const stopping = new AbortController();

    const writing = write(numbered(1), stopping.signal);
    await until(() => fake.insertBodies.length === 1);
    clock.expireDeadlines(5_000);
    stopping.abort();
    clock.expireDeadlines(5_000);

    await assert.rejects(writing, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
    assert.equal(clock.openDeadlines, 0);
  });

  it("once more even if the engine stops already", async (t) => {
    const { write } = await openFixture(t);

    assert.equal((await write(numbered(3), AbortSignal.abort())).stored, 3);
  });
});

describe("what is too big is cut", () => {
  const big: readonly (readonly [string, Fault])[] = [
    ["413", { status: 413 }],
    ["a 400 without reason", { status: 400 }],
    ["too many rows", { status: 400, reason: "invalid", message: "too many rows present in the request" }],
    [
      "the payload's size",
      { status: 400, reason: "invalid", message: "Request payload size exceeds the limit: 10485760 bytes." },
    ],
  ];
  for (const [name, fault] of big) {
    it(`in halves on ${name}`, async (t) => {
      const { fake, rows, warnings, write } = await openFixture(t);
      fake.fail({ ...fault, times: 2 });

      const outcome = await write(numbered(5));

      assert.deepEqual(sentCounts(fake.insertBodies), [5, 2, 1, 1, 3]);
      assert.deepEqual([outcome.stored, rows().length, warnings.length], [5, 5, 0]);
    });
  }

  it("down to the one row that cannot be read, which is rejected", async (t) => {
    const { fake, rows, write } = await openFixture(t);
    // Row 1 is in the first request of each halving: 4, 2 and 1 rows.
    fake.fail({ status: 400, times: 3 });

    const outcome = await write(numbered(4));

    assert.deepEqual(sentCounts(fake.insertBodies), [4, 2, 1, 1, 2]);
    assert.equal(rows().length, 3);
    assert.deepEqual(
      outcome.rejected.map(({ row }) => row),
      [0],
    );
  });

  it("but not into rejected rows when everything is called unreadable", async (t) => {
    const { fake, sink, rows, warnings, clock, write } = await openFixture(t);
    fake.fail({ status: 400, times: 500 });
    let wasOk = true;
    clock.onWait = (count) => {
      wasOk &&= sink.state().ok;
      if (count === 3) fake.heal();
    };

    const outcome = await write(numbered(100));

    assert.deepEqual([outcome.rejected.length, rows().length, warnings.length, wasOk], [0, 100, 1, false]);
    assert.ok(fake.insertBodies.length < 150, `${String(fake.insertBodies.length)} requests`);
  });

  it("before it is sent: rows by count and by bytes", async (t) => {
    const { fake, write } = await openFixture(t, { maxRequestRows: 3, maxRequestBytes: 2_000 });
    const meta = "\0".repeat(150);

    await write([...numbered(4), { id: 5n, meta }, { id: 6n, meta }]);

    assert.deepEqual(sentCounts(fake.insertBodies).sort(), [1, 2, 3]);
    assert.ok(fake.insertBodies.every((body) => body.length <= 2_000));
  });

  it("and a row larger than any request is rejected unsent", async (t) => {
    const { fake, rows, write } = await openFixture(t);
    const large = [
      { id: 1n, meta: "x".repeat(9_000_001) },
      { id: 2n, meta: "\0".repeat(1_500_000) },
    ];

    const outcome = await write([...large, { id: 3n }]);

    assert.deepEqual([outcome.stored, rows().length, fake.insertBodies.length], [1, 1, 1]);
    assert.deepEqual(
      outcome.rejected.map(({ row }) => row),
      [0, 1],
    );
    assert.match(outcome.rejected[1]?.reason ?? "", /900\d{4} bytes as JSON, more than the 9000000/);
  });
});

describe("an error of the whole table", () => {
  const wrong: readonly (readonly [string, Fault])[] = [
    ["401", { status: 401, reason: "authError" }],
    ["403 accessDenied", { status: 403, reason: "accessDenied" }],
    ["403 billingNotEnabled", { status: 403, reason: "billingNotEnabled" }],
    ["404", { status: 404, reason: "notFound" }],
    ["no schema", { status: 400, reason: "invalid", message: "The destination table has no schema." }],
    ["501", { status: 501, reason: "notImplemented" }],
    ["each row refused", { rowErrors: () => INVALID }],
  ];
  for (const [name, fault] of wrong) {
    it(`pauses the sink and rejects nothing: ${name}`, async (t) => {
      const { fake, sink, rows, warnings, clock, write } = await openFixture(t);
      fake.fail({ ...fault, times: 9 });
      const states: boolean[] = [];
      clock.onWait = () => states.push(sink.state().ok);

      const outcome = await write(numbered(2));

      assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [2, 0, 2]);
      assert.deepEqual(states, Array(9).fill(false));
      assert.deepEqual(
        clock.waits,
        [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000),
      );
      assert.equal(warnings.length, 1, warnings.join());
      assert.equal(sink.state().ok, true);
    });
  }

  it("sends one request at a time while paused, and all at once after", async (t) => {
    const { fake, warnings, clock, write } = await openFixture(t, { maxRequestRows: 1 });
    fake.fail({ status: 403, reason: "accessDenied", times: 12 });
    const openAtWait: number[] = [];
    clock.onWait = () => openAtWait.push(clock.openDeadlines);

    const outcome = await write(numbered(12));

    assert.equal(outcome.stored, 12);
    // The first four were under way together; once they are back, each wait finds none under way.
    assert.ok(openAtWait.length > 6);
    assert.deepEqual(openAtWait.slice(4), Array(openAtWait.length - 4).fill(0));
    assert.equal(warnings.length, 1, warnings.join());
  });

  it("is told by name when the table has lost a column, and ends when it is back", async (t) => {
    const { fake, sink, rows, clock, write } = await openFixture(t);
    const schema = fake.resource("d", "t")?.schema as { fields: { name: string }[] };
    const fields = schema.fields.filter(({ name }) => name !== "Meta");
    fake.define("d", "t", { schema: { fields } });
    clock.onWait = (count) => {
      assert.match(sink.state().detail, /p\.d\.t has changed: column Meta STRING is missing/);
      if (count === 3) fake.define("d", "t", { schema });
    };

    const outcome = await write(numbered(1));

    assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [1, 0, 1]);
    assert.equal(clock.waits.length, 3);
  });

  it("is not suspected for one bad row that came alone", async (t) => {
    const { fake, warnings, write } = await openFixture(t);
    fake.fail({ rowErrors: () => INVALID, times: 99 });

    const outcome = await write(numbered(1));

    assert.deepEqual(outcome.rejected, [{ part: 0, row: 0, reason: "invalid: no" }]);
    assert.deepEqual(warnings, []);
  });

  it("is ruled out once the table takes other rows: those refused all along are rejected", async (t) => {
    const { fake, rows, write } = await openFixture(t, { maxRequestRows: 2 });
    fake.fail({ rowErrors: (row) => (Number(row.ID) <= 2 ? INVALID : undefined), times: 99 });

    const outcome = await write(numbered(8));

    assert.deepEqual([outcome.stored, rows().length], [6, 6]);
    assert.deepEqual(
      outcome.rejected.map(({ row }) => row),
      [0, 1],
    );
  });

  it("ends with the engine, for every request that waits its turn", async (t) => {
    const { fake, clock, sink, write } = await openFixture(t, { maxRequestRows: 1 });
    fake.fail({ status: 404, reason: "notFound", times: 99 });
    clock.holdsWaits = true;

    const writing = write(numbered(8));
    await until(() => clock.waits.length === 1);
    await sink.close();

    await assert.rejects(writing, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
  });
});
