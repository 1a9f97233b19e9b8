import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readResultsSettings } from "../../../services/results-engine/config.js";
import { openSink } from "../../../services/results-engine/sinks/index.js";
import { UserError } from "../../../services/shared/errors.js";

describe("settings of results-engine", () => {
  it("has a default for each, and a run id of its own for each start", () => {
    const first = readResultsSettings({});
    const second = readResultsSettings({ RUN_ID: "" });

    assert.equal(first.SINK, "duckdb:crunch.duckdb");
    assert.ok(first.BATCH_MAX_WAIT_MS < first.RESEND_AFTER_MS);
    assert.match(first.RUN_ID, /^[0-9a-f]{12}$/);
    assert.notEqual(first.RUN_ID, second.RUN_ID);
  });

  it("takes what is given", () => {
    const settings = readResultsSettings({ RUN_ID: "nightly", BATCH_MAX_ROWS: "7", LATE_AFTER_MS: "1" });

    assert.deepEqual([settings.RUN_ID, settings.BATCH_MAX_ROWS, settings.LATE_AFTER_MS], ["nightly", 7, 1]);
  });

  it("names every problem with its setting, value and limit", () => {
    const read = (): unknown => readResultsSettings({ BATCH_MAX_ROWS: "0", RUN_ID: "a b", DRAIN_MS: "soon" });

    assert.throws(read, (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /BATCH_MAX_ROWS="0": must be a whole number from 1 to 1000000/);
      assert.match(error.message, /RUN_ID="a b": must be 1 to 64 letters/);
      assert.match(error.message, /DRAIN_MS="soon"/);
      return true;
    });
  });

  it("refuses a batch that waits as long as a message may stay unsettled", () => {
    const wait = (waitMs: number): unknown =>
      readResultsSettings({ BATCH_MAX_WAIT_MS: String(waitMs), RESEND_AFTER_MS: "1000" });

    assert.throws(() => wait(1_000), /BATCH_MAX_WAIT_MS="1000": must be below RESEND_AFTER_MS="1000"/);
    wait(999);
  });

  it("names the sinks that there are when SINK names another", async () => {
    const context = { lateAfterMs: 1, runId: "run", warn: () => undefined };

    await assert.rejects(
      openSink("redis:rows", context),
      new UserError('SINK="redis:rows": unknown sink redis; known are duckdb, bigquery'),
    );
    await assert.rejects(
      openSink("constructor:rows", context),
      new UserError('SINK="constructor:rows": unknown sink constructor; known are duckdb, bigquery'),
    );
  });

  it("refuses a database that keeps nothing", async () => {
    const context = { lateAfterMs: 1, runId: "run", warn: () => undefined };

    for (const path of [":memory:", ":memory:rows"]) {
      await assert.rejects(openSink(`duckdb:${path}`, context), {
        name: "UserError",
        message: `SINK="duckdb:${path}": a database in memory keeps nothing; name a file, as in duckdb:results.duckdb`,
      });
    }
  });
});
