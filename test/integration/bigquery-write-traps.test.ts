import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RowDescriptor } from "../../services/fake-bigquery/append-rows.js";
import { APPEND_MODES, numbered, openFixture } from "../support/bigquery-fixture.js";
import { until } from "../support/until.js";

// What Google's write client does by itself, each kept from harming rows. Take the protection out and the test fails.
for (const mode of APPEND_MODES) {
  describe(`a trap of Google's write client, mode=${mode}`, () => {
    for (const code of ["RESOURCE_EXHAUSTED", "NOT_FOUND", "INTERNAL", "ALREADY_EXISTS"]) {
      it(`a refusal inside an answer settles like a success: ${code} is no row stored`, async (t) => {
        const { fake, rows, clock, write } = await openFixture(t, { mode });
        fake.fail({ code });

        const outcome = await write(numbered(2));

        assert.deepEqual([outcome.stored, rows().length, clock.waits.length], [2, 2, 1]);
      });
    }

    it("an answer without a result settles like a success: it is an unknown outcome", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode });
      fake.fail({ emptyAnswer: true });

      const outcome = await write(numbered(2));

      assert.deepEqual([outcome.stored, rows().length, fake.write.opened], [2, 2, 2]);
    });

    it("a BigInt is written as 0: int64 and instants arrive exactly", async (t) => {
      const { rows, write } = await openFixture(t, { mode });
      const values = [
        2n ** 53n + 1n,
        -(2n ** 63n),
        2n ** 63n - 1n,
        -1n,
        0n,
        1n << 32n,
        -(1n << 32n),
        127n,
        128n,
      ];
      const instants = [
        [-62_135_596_800_000_000n, "0001-01-01T00:00:00.000000Z"],
        [253_402_300_799_999_999n, "9999-12-31T23:59:59.999999Z"],
        [-1n, "1969-12-31T23:59:59.999999Z"],
        [0n, "1970-01-01T00:00:00.000000Z"],
        [1_767_323_045_123_456n, "2026-01-02T03:04:05.123456Z"],
      ] as const;

      const outcome = await write(
        values.map((value, index) => ({
          id: value,
          data: value,
          rData: value,
          processTimeUs: instants[index % instants.length]?.[0] ?? 0n,
        })),
      );

      assert.equal(outcome.stored, values.length);
      assert.deepEqual(
        rows().map((row) => [row.ID, row.Data, row.RData, row.ProcessTime]),
        values.map((value, index) => [
          String(value),
          String(value),
          String(value),
          instants[index % instants.length]?.[1],
        ]),
      );
    });

    it("absent is NULL: zero, empty and false are written out", async (t) => {
      const { rows, write } = await openFixture(t, { mode });

      const outcome = await write([{ id: 0n, data: 0n, meta: "", rData: 0n, processTimeUs: 0n }]);

      assert.equal(outcome.stored, 1);
      const [row] = rows();
      assert.deepEqual(
        [row?.ID, row?.Data, row?.Meta, row?.RData, row?.ProcessTime, row?.Late],
        ["0", "0", "", "0", "1970-01-01T00:00:00.000000Z", false],
      );
    });

    it("unknown columns are dropped unseen: the table decides, and rows wait for it", async (t) => {
      const { fake, sink, rows, clock, write } = await openFixture(t, { mode });
      const schema = fake.resource("d", "t")?.schema as { fields: { name: string }[] };
      fake.define("d", "t", { schema: { fields: schema.fields.filter(({ name }) => name !== "Meta") } });
      clock.onWait = (count) => {
        assert.equal(sink.state().ok, false);
        if (count === 3) fake.define("d", "t", { schema });
      };

      const outcome = await write([{ id: 1n, meta: "kept" }]);

      assert.deepEqual([outcome.stored, outcome.rejected, rows()[0]?.Meta], [1, [], "kept"]);
    });

    it("after a reconnect answers settle the wrong appends: each generation has its own", async (t) => {
      const { fake, rows, clock, write } = await openFixture(t, { mode, maxRequestRows: 1 });
      // The first append is never answered; were its place kept, the answers of the next stream would be one off.
      fake.fail({ hang: true });
      fake.fail({ code: "ABORTED" });

      const writing = write(numbered(4));
      await until(() => fake.write.appends.length === 1 && clock.openDeadlines === 4);
      clock.expireOldest();
      const outcome = await writing;

      assert.equal(outcome.stored, 4);
      assert.deepEqual(new Set(rows().map((row) => row.ID)), new Set(["1", "2", "3", "4"]));
      assert.equal(rows().length, 4);
      // One was refused in an answer, so five were sent on the second stream.
      assert.deepEqual(
        fake.write.appends.map(({ stream }) => stream),
        [1, 2, 2, 2, 2, 2],
      );
    });

    it("a changed schema makes the client reconnect: here the stream goes on", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode, maxRequestRows: 1 });
      fake.fail({ updatedSchema: true, times: 3 });

      const outcome = await write(numbered(6));

      assert.deepEqual([outcome.stored, rows().length, fake.write.opened], [6, 6, 1]);
    });

    it("one answer too many settles the next append: the stream is given up", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode });
      fake.fail({ answersTwice: true });

      await write(numbered(1));
      await until(() => fake.write.open === 0);
      fake.fail({ dropBeforeCommit: true });
      const outcome = await write([{ id: 2n }]);

      assert.deepEqual([outcome.stored, rows().length, fake.write.opened], [1, 2, 3]);
    });

    it("silence lasts for ever: each append has a deadline, and the same bytes go again", async (t) => {
      const { fake, rows, clock, write } = await openFixture(t, { mode });
      fake.fail({ hang: true }, { commitThenHang: true });

      const writing = write(numbered(2));
      for (let append = 1; append <= 2; append++) {
        await until(() => fake.write.appends.length === append && clock.openDeadlines === 1);
        clock.now += 30_000;
        clock.expireDeadlines();
      }
      const outcome = await writing;

      assert.equal(outcome.stored, 2);
      assert.equal(rows().length, mode === "upsert" ? 2 : 4);
      const [first, second, third] = fake.write.appends.map(({ rows: sent }) => Buffer.concat(sent));
      assert.ok(first !== undefined && second?.equals(first) && third?.equals(first));
      assert.equal(clock.openDeadlines, 0);
    });

    it("an end of the stream without a listener ends the process: it is tried again", async (t) => {
      const { fake, rows, write } = await openFixture(t, { mode });
      fake.fail(
        { code: "PERMISSION_DENIED", endsStream: true },
        { code: "UNIMPLEMENTED", endsStream: true },
        { code: "UNKNOWN", endsStream: true },
      );

      const outcome = await write(numbered(2));

      assert.deepEqual([outcome.stored, rows().length, fake.write.appends.length], [2, 2, 4]);
    });

    it("retries come at once: between two of our waits there is one append", async (t) => {
      const { fake, clock, write } = await openFixture(t, { mode });
      fake.fail({ code: "UNAVAILABLE", endsStream: true, times: 3 });
      const appendsAtWait: number[] = [];
      clock.onWait = () => appendsAtWait.push(fake.write.appends.length);

      await write(numbered(1));

      assert.deepEqual(appendsAtWait, [1, 2, 3]);
      assert.deepEqual(clock.waits, [200, 400, 800]);
    });

    it("a stream that BigQuery closes after ten idle minutes is an error: it is opened anew, unnoticed", async (t) => {
      const { fake, sink, rows, clock, warnings, write } = await openFixture(t, { mode });
      await write(numbered(1));

      fake.write.endStreams("ABORTED", "Closing the stream because it has been inactive for 600 seconds");
      await until(() => fake.write.open === 0);
      const outcome = await write([{ id: 2n }]);

      assert.deepEqual([outcome.stored, rows().length, warnings, sink.state().ok], [1, 2, [], true]);
      // The end may still be on its way when the next rows leave; then they go again.
      assert.ok(clock.waits.length <= 1);
    });

    it("a request outside of the US is not found without its address: the header has it", async (t) => {
      const { fake, write } = await openFixture(t, { mode });

      await write(numbered(1));

      const [append] = fake.write.appends;
      assert.equal(
        append?.routing,
        `write_stream=${encodeURIComponent("projects/p/datasets/d/tables/t/streams/_default")}`,
      );
      assert.equal(append.traceId, "data-crunch");
    });

    it("the schema is sent once a stream, with the columns of the table", async (t) => {
      const { fake, write } = await openFixture(t, { mode });

      await write(numbered(1));
      await write(numbered(1));

      const [first, second] = fake.write.appends;
      const fieldsOf = (descriptor: RowDescriptor | undefined): string[] =>
        descriptor?.field?.map(({ name, type }) => `${name} ${type}`) ?? [];
      const columns = [
        "ID TYPE_INT64",
        "Data TYPE_INT64",
        "Meta TYPE_STRING",
        "DTimeStamp TYPE_INT64",
        "RData TYPE_INT64",
        "ProcessTime TYPE_INT64",
        "RTimeStamp TYPE_INT64",
        "Late TYPE_BOOL",
      ];
      const change = ["_CHANGE_TYPE TYPE_STRING", "_CHANGE_SEQUENCE_NUMBER TYPE_STRING"];
      assert.deepEqual(fieldsOf(first?.descriptor), mode === "upsert" ? [...columns, ...change] : columns);
      assert.equal(second?.descriptor, undefined);
    });
  });
}
