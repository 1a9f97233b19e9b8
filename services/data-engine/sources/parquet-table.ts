import { sqlName, sqlText } from "../../shared/duckdb.js";
import type { DuckDb } from "../../shared/duckdb.js";
import { UserError, messageOf } from "../../shared/errors.js";
import type { InputFile } from "./file-format.js";
import type { FileTable } from "./file-table.js";

/** Parquet: typed as it is, nothing to guess, rows counted in its footer. */
export async function parquetTable(db: DuckDb, file: InputFile): Promise<FileTable> {
  const relation = `read_parquet(${sqlText(file.path)})`;
  const described = await db.describe(`SELECT * FROM ${relation}`).catch((thrown: unknown) => {
    throw new UserError(`${file.path} cannot be read as parquet: ${messageOf(thrown).split("\n")[0] ?? ""}`);
  });
  const [row] = await db.rows(
    `SELECT CAST(sum(num_rows) AS BIGINT) AS n FROM parquet_file_metadata(${sqlText(file.path)})`,
  );
  return {
    file,
    columns: described.map(({ name, type }) => {
      const sql = sqlName(name);
      return { name, exact: sql, exactType: type, typed: sql };
    }),
    relation: () => relation,
    scan: () => relation,
    rowText: undefined,
    line: undefined,
    headerLines: undefined,
    hasRejects: false,
    expectedRows: Number(row?.n ?? 0),
  };
}
