import { textAt } from "../../shared/codec/columns.js";
import type { RecordColumns } from "../../shared/codec/columns.js";
import type { CrunchRecord } from "../crunchers/cruncher.js";

/**
 * A record as the cruncher gets it. Meta is decoded at its first read, so a cruncher that does not
 * read it pays nothing. Being a getter of the class, Meta is there for `record.Meta` and for
 * `const { Meta } = record`, but not for `{ ...record }` or `Object.keys`.
 */
export class LazyRecord implements CrunchRecord {
  readonly ID: bigint;
  readonly Data: bigint;
  readonly #columns: RecordColumns;
  readonly #row: number;
  #meta: string | undefined;

  constructor(columns: RecordColumns, row: number) {
    this.ID = columns.ids[row] ?? 0n;
    this.Data = columns.data[row] ?? 0n;
    this.#columns = columns;
    this.#row = row;
  }

  get Meta(): string {
    this.#meta ??= textAt(this.#columns.meta, this.#row);
    return this.#meta;
  }
}
