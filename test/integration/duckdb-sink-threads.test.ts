/** How many threads DuckDB works with while the sink writes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, describe, it, mock } from "node:test";
import { openDuckDbSink } from "../../services/results-engine/sinks/duckdb/duckdb-sink.js";
import type { WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import { DuckDb } from "../../services/shared/duckdb.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { resultsOf } from "../support/result-columns.js";
import { tempFolder } from "../support/temp-folder.js";

const folder = tempFolder();
after(() => folder.remove());
afterEach(() => mock.restoreAll());

/** A sink that DuckDB gives four threads, whatever the machine has. */
async function open(name: string) {
  const openFile = DuckDb.openFile.bind(DuckDb);
  let opened: DuckDb | undefined;
  mock.method(DuckDb, "openFile", async (path: string, setting: string) => {
    opened = await openFile(path, setting);
    await opened.run("SET threads = 4");
    return opened;
  });
  const uri = parsePluginUri("SINK", `duckdb:${join(folder.path, name)}`);
  const sink = await openDuckDbSink(uri, { lateAfterMs: 60_000, runId: "run", warn: () => undefined });
  const threads = async (): Promise<number> => {
    const rows = await opened?.rows("SELECT current_setting('threads') AS threads");
    return Number(rows?.[0]?.threads);
  };
  const write = (...ids: readonly bigint[]): Promise<WriteOutcome> => {
    const parts = [resultsOf(ids.map((ID) => ({ ID })))];
    return sink.write({ parts, rows: ids.length }, AbortSignal.timeout(60_000));
  };
  return { sink, threads, write };
}

describe("the threads of the DuckDB sink", () => {
  it("are one for rows that are new, and all from a batch that is compared with the table on", async () => {
    const { sink, threads, write } = await open("one.duckdb");
    assert.equal(await threads(), 4);
    assert.equal((await write(1n, 2n, 3n)).stored, 3);
    assert.equal(await threads(), 1);

    assert.equal((await write(3n, 4n)).stored, 1);
    assert.equal(await threads(), 4);
    for (let id = 5n; id < 105n; id += 1n) {
      assert.equal(await threads(), 4, `before ID ${String(id)}`);
      await write(id);
    }
    await write(105n);
    assert.equal(await threads(), 1, "after a hundred batches of new rows and one more");
    await sink.close();
  });
});
