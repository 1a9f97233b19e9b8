import type { ResultColumns } from "../../../shared/codec/columns.js";
import { Int64Reader } from "./bytes.js";
import { ownJson } from "./own-json.js";
import type { OwnValue } from "./own-json.js";
import { ownProto } from "./own-proto.js";
import type { Batch, RejectedRow } from "../sink.js";

/** One part of a batch with its columns ready to be read. */
export class PartReaders {
  readonly columns: ResultColumns;
  readonly ids: Int64Reader;
  readonly data: Int64Reader;
  readonly dTimes: Int64Reader;
  readonly rData: Int64Reader;
  readonly processTimes: Int64Reader;
  #ownJson: readonly OwnValue[] | undefined;
  #ownProto: readonly OwnValue[] | undefined;

  constructor(columns: ResultColumns) {
    this.columns = columns;
    this.ids = new Int64Reader(columns.ids);
    this.data = new Int64Reader(columns.data);
    this.dTimes = new Int64Reader(columns.dTimeStampsUs);
    this.rData = new Int64Reader(columns.rData);
    this.processTimes = new Int64Reader(columns.processTimesUs);
  }

  /** Bytes of Meta as UTF-8. */
  metaBytes(row: number): number {
    return (this.columns.meta.ends[row] ?? 0) - (this.columns.meta.starts[row] ?? 0);
  }

  get ownJson(): readonly OwnValue[] {
    return (this.#ownJson ??= ownJson(this.columns.own));
  }

  get ownProto(): readonly OwnValue[] {
    return (this.#ownProto ??= ownProto(this.columns.own));
  }
}

/** Where the encoding of a batch stands: several senders take their next rows from one cursor. */
export class BatchRows {
  readonly #batch: Batch;
  readonly rejected: RejectedRow[] = [];
  #part = 0;
  #row = 0;
  #readers: PartReaders | undefined;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  get part(): number {
    return this.#part;
  }

  get row(): number {
    return this.#row;
  }

  /** The part that the next row is in; undefined when every row was taken. */
  current(): PartReaders | undefined {
    let columns = this.#batch.parts[this.#part];
    while (columns !== undefined && this.#row >= columns.count) {
      this.#part++;
      this.#row = 0;
      columns = this.#batch.parts[this.#part];
    }
    if (columns === undefined) return undefined;
    if (this.#readers?.columns !== columns) this.#readers = new PartReaders(columns);
    return this.#readers;
  }

  advance(): void {
    this.#row++;
  }

  /** Passes over the current row for good. */
  reject(reason: string): void {
    this.rejected.push({ part: this.#part, row: this.#row, reason });
    this.advance();
  }
}
