/** How many threads DuckDB works with while the sink writes, and what it keeps in memory. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, describe, it, mock } from "node:test";
import { openDuckDbSink } from "../../services/results-engine/sinks/duckdb/duckdb-sink.js";
import type { WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import { DuckDb } from "../../services/shared/duckdb.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { mixedIds } from "../support/mixed-ids.js";
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
  const ask = async (sql: string): Promise<unknown> => (await opened?.rows(sql))?.[0]?.answer;
  const threads = async (): Promise<number> =>
    Number(await ask("SELECT current_setting('threads') AS answer"));
  const keptMib = async (): Promise<number> =>
    Number(
      await ask(
        "SELECT memory_usage_bytes / 1024 / 1024 AS answer FROM duckdb_memory() WHERE tag = 'BASE_TABLE'",
      ),
    );
  const write = (...ids: readonly bigint[]): Promise<WriteOutcome> => {
    const parts = [resultsOf(ids.map((ID) => ({ ID })))];
    return sink.write({ parts, rows: ids.length }, AbortSignal.timeout(60_000));
  };
  return { sink, ask, keptMib, threads, write };
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

describe("the memory of the DuckDB sink", () => {
  it("does not grow with the blocks that were written, and has its limit back for what follows", async () => {
    const { sink, ask, keptMib, write } = await open("memory.duckdb");
    const limit = async (): Promise<string> =>
      String(await ask("SELECT current_setting('memory_limit') AS answer"));
    const usual = await limit();
    const batch = resultsOf(Array.from({ length: 122_880 }, (_, row) => ({ ID: BigInt(row) })));
    for (let first = 0; first < 2_500_000; first += batch.count) {
      const parts = [{ ...batch, ids: mixedIds(first, first + batch.count) }];
      const { stored } = await sink.write({ parts, rows: batch.count }, AbortSignal.timeout(60_000));
      assert.equal(stored, batch.count);
    }
    assert.ok((await keptMib()) < 15, `${String(await keptMib())} MiB`);
    // As DuckDB tells it, it comes back rounded.
    assert.ok(Number.parseFloat(await limit()) > 0.98 * Number.parseFloat(usual), await limit());
    assert.equal((await limit()).split(" ")[1], usual.split(" ")[1]);
    assert.equal((await write(mixedIds(0, 1)[0] ?? 0n, 5n)).stored, 1, "a merge has room");
    await sink.close();
    mock.restoreAll();

    const again = await open("memory.duckdb");
    await again.write(6n);
    assert.ok((await again.keptMib()) < 15, "after all IDs were read");
    await again.sink.close();
  });
});
