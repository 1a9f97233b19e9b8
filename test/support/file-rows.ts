import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { openSource } from "../../services/data-engine/sources/index.js";
import { readRows } from "./source-rows.js";
import type { SourceRows } from "./source-rows.js";
import { tempFolder } from "./temp-folder.js";

/** Files of a test, and what the file source makes of them. */
export class InputFolder {
  readonly #folder = tempFolder();
  #files = 0;

  get path(): string {
    return this.#folder.path;
  }

  write(name: string, content: string | Buffer): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  async read(path: string, query: string, fromPosition = 0): Promise<SourceRows> {
    const source = await openSource(`file:${path}?${query}`, { lingerMs: 10 });
    try {
      return await readRows(source, fromPosition);
    } finally {
      await source.close();
    }
  }

  /** Reads `content` as a file that ends in `extension`. */
  readText(extension: string, content: string | Buffer, query: string): Promise<SourceRows> {
    this.#files += 1;
    return this.read(this.write(`f${String(this.#files)}.${extension}`, content), query);
  }

  remove(): void {
    this.#folder.remove();
  }
}

/** Runs SQL in a database that is gone afterwards: to make Parquet files. */
export async function runSql(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

export const reasonsOf = (rows: SourceRows): string[] => rows.bad.map(({ reason }) => reason);
