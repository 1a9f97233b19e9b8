import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineError } from "../../services/shared/errors.js";
import type { Fault } from "../../services/fake-bigquery/fake-bigquery.js";
import { APPEND_MODES, idsOf, numbered, openFixture } from "../support/bigquery-fixture.js";
import { until } from "../support/until.js";

const INVALID = { reason: "invalid", message: "no" };
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

for (const mode of APPEND_MODES) {
  describe(`appends that fail, mode=${mode}`, () => {
    const passing: readonly (readonly [string, Fault])[] = [
      ["a dropped connection", { dropBeforeCommit: true }],
      ...["ABORTED", "UNAVAILABLE", "CANCELLED", "INTERNAL", "DEADLINE_EXCEEDED", "UNKNOWN"].flatMap(
        (code): [string, Fault][] => [
          [`${code} in an answer`, { code }],
          [`${code} as the end of the stream`, { code, endsStream: true }],
        ],
      ),
      ["throttling", { code: "RESOURCE_EXHAUSTED" }],
      ["throttling as the end of the stream", { code: "RESOURCE_EXHAUSTED", endsStream: true }],
    ];
    for (const [name, fault] of passing) {
      it(`are sent again after ${name}, unnoticed by people`, async (t) => {
        const { fake, rows, warnings, clock, write } = await openFixture(t, { mode });
        fake.fail({ ...fault, times: 2 });

        const outcome = await write(numbered(2));

        assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [2, 0, 2]);
        assert.deepEqual(clock.waits, name.startsWith("throttling") ? [2_000, 4_000] : [200, 400]);
        assert.deepEqual(warnings, []);
      });
    }

    it("are sent again after a lost answer: twice in the table of write, once in that of upsert", async (t) => {
      const { fake, rows, viewRows, write } = await openFixture(t, { mode });
      fake.fail({ commitThenDrop: true });

      const outcome = await write(numbered(3));

      assert.equal(outcome.stored, 3);
      assert.equal(rows().length, mode === "upsert" ? 3 : 6);
      assert.equal(viewRows().length, 3);
    });

    const wrong: readonly (readonly [string, Fault])[] = [
      ...[
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "FAILED_PRECONDITION",
        "UNIMPLEMENTED",
      ].flatMap((code): [string, Fault][] => [
        [`${code} in an answer`, { code }],
        [`${code} as the end of the stream`, { code, endsStream: true }],
      ]),
      ["each row refused", { rowErrors: () => INVALID }],
    ];
    for (const [name, fault] of wrong) {
      it(`pause the sink and reject nothing: ${name}`, async (t) => {
        const { fake, sink, rows, warnings, clock, write } = await openFixture(t, { mode });
        fake.fail({ ...fault, times: 5 });
        const states: boolean[] = [];
        clock.onWait = () => states.push(sink.state().ok);

        const outcome = await write(numbered(2));

        assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [2, 0, 2]);
        assert.deepEqual(states, Array(5).fill(false));
        assert.deepEqual(clock.waits, [1_000, 2_000, 4_000, 8_000, 16_000]);
        assert.equal(warnings.length, 1, warnings.join());
        assert.equal(sink.state().ok, true);
      });
    }

    it("reject bad rows with BigQuery's reason and store their neighbours at once", async (t) => {
      const { fake, rows, clock, write } = await openFixture(t, { mode });
      fake.fail({ rowErrors: ({ ID }) => (Number(ID) % 3 === 0 ? INVALID : undefined), times: Infinity });

      const outcome = await write(numbered(10));

      assert.deepEqual(idsOf(rows()), [1, 2, 4, 5, 7, 8, 10]);
      assert.deepEqual(
        outcome.rejected,
        [2, 5, 8].map((row) => ({ part: 0, row, reason: "no" })),
      );
      assert.deepEqual([outcome.stored, rows().length, fake.write.appends.length], [7, 7, 2]);
      assert.deepEqual(clock.waits, []);
    });

    it("find the rows that nobody names by halving, and store all others", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode });
      fake.fail({ refuses: ({ ID }) => ID === "23" || ID === "77", times: Infinity });

      const outcome = await write(numbered(100));

      assert.deepEqual(
        idsOf(rows()),
        upTo(100).filter((id) => id !== 23 && id !== 77),
      );
      assert.deepEqual(
        outcome.rejected.map(({ row }) => row),
        [22, 76],
      );
      assert.ok(fake.write.appends.length < 40, `${String(fake.write.appends.length)} appends`);
    });

    it("reject nothing while everything is called malformed", async (t) => {
      const { fake, sink, rows, warnings, clock, write } = await openFixture(t, { mode });
      fake.fail({ code: "INVALID_ARGUMENT", times: 500 });
      let wasOk = true;
      clock.onWait = (count) => {
        wasOk &&= sink.state().ok;
        if (count === 3) fake.heal();
      };

      const outcome = await write(numbered(100));

      assert.deepEqual([outcome.rejected.length, rows().length, warnings.length, wasOk], [0, 100, 1, false]);
    });

    it("blame no other append for an INVALID_ARGUMENT that ends the stream", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode, maxRequestRows: 1 });
      await write([{ id: 9n }]);
      fake.fail({ code: "INVALID_ARGUMENT", endsStream: true });

      const outcome = await write(numbered(4));

      assert.equal(outcome.rejected.length, 1);
      assert.equal(rows().length, 4);
    });

    it("hold fewer than 10 MB, what frames the rows included", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode });
      const meta = "x".repeat(2_000_000);

      const outcome = await write([...upTo(9).map((id) => ({ id: BigInt(id), meta })), ...numbered(100)]);

      assert.equal(outcome.stored, 109);
      assert.equal(idsOf(rows()).length, 100);
      // A tag and a length frame each row, the address and the schema all of them.
      const sizes = fake.write.appends.map(({ rows: sent }) =>
        sent.reduce((sum, row) => sum + row.length + 6, 2_000),
      );
      assert.ok(Math.max(...sizes) < 9_100_000, sizes.join());
    });

    it("never leave for a row larger than any request", async (t) => {
      const { fake, write } = await openFixture(t, { mode });

      const outcome = await write([{ id: 1n, meta: "x".repeat(9_000_000) }, { id: 2n }]);

      assert.deepEqual([outcome.stored, fake.write.appends.length], [1, 1]);
      assert.match(outcome.rejected[0]?.reason ?? "", /9000\d{3} bytes as protobuf, more than the 9000000/);
    });

    it("end with the engine: an answer that does not come is not waited for", async (t) => {
      const { fake, clock, write } = await openFixture(t, { mode });
      fake.fail({ hang: true });
      const stopping = new AbortController();

      const writing = write(numbered(1), stopping.signal);
      await until(() => fake.write.appends.length === 1);
      clock.expireDeadlines(5_000);
      stopping.abort();
      clock.expireDeadlines(5_000);

      await assert.rejects(writing, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
      assert.equal(clock.openDeadlines, 0);
    });

    it("end with the sink", async (t) => {
      const { fake, sink, clock, write } = await openFixture(t, { mode });
      fake.fail({ hang: true });

      const writing = write(numbered(1));
      await until(() => fake.write.appends.length === 1);
      await sink.close();

      await assert.rejects(writing, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
      assert.equal(clock.openDeadlines, 0);
      await until(() => fake.write.open === 0);
    });
  });
}
