import { existsSync } from "node:fs";
import { UserError, messageOf } from "../shared/errors.js";
import { DuckDb, sqlName, sqlText } from "../shared/duckdb.js";
import { parsePluginUri } from "../shared/plugin-uri.js";

/** The tables of a sink that `--fresh` drops, and the file they lie in. */
export interface FreshTables {
  readonly sink: string;
  readonly path: string;
  readonly tables: readonly string[];
}

/**
 * What `--fresh` would drop: the sink's table and its totals, and nothing else of the file.
 *
 * @throws UserError when the sink is none whose rows a launcher may drop
 */
export function freshTablesOf(sink: string): FreshTables {
  const uri = parsePluginUri("SINK", sink);
  if (uri.scheme !== "duckdb") {
    throw new UserError(
      `SINK="${sink}": --fresh drops rows of a duckdb: sink only; empty ${uri.scheme}: yourself and leave --fresh out`,
    );
  }
  const table = uri.params.get("table") ?? "results";
  return { sink, path: uri.path, tables: [table, `${table}_totals`] };
}

/** @throws UserError when the file is no database or another process holds it */
export async function dropTables({ sink, path, tables }: FreshTables): Promise<void> {
  if (!existsSync(path)) return;
  const db = await DuckDb.openInMemory();
  try {
    await db.rows(`ATTACH ${sqlText(path)} AS sink`);
    for (const table of tables) await db.rows(`DROP TABLE IF EXISTS sink.${sqlName(table)}`);
    await db.rows("DETACH sink");
  } catch (thrown) {
    const isHeld = /lock/i.test(messageOf(thrown));
    const why = isHeld ? "another process has it open" : messageOf(thrown).split("\n")[0];
    throw new UserError(`SINK="${sink}": --fresh cannot drop its rows: ${String(why)}`, { cause: thrown });
  } finally {
    db.close();
  }
}
