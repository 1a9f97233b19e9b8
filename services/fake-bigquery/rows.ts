/** Where the rows of a table are. */
import type { Json } from "./faults.js";

/** A row, and the sequence number of the change that it came with, section by section. */
export interface StoredRow {
  readonly json: Json;
  readonly sequence?: readonly bigint[] | undefined;
}

/** Rows that a database does not have yet. */
export interface NewRows {
  /** True if what it has is out of date. */
  readonly isAnew: boolean;
  readonly rows: readonly StoredRow[];
}

export interface RowStore {
  push(json: Json): void;
  /** Change data capture: of a key the row with the highest sequence stays, of several the last that came. */
  upsert(key: string, row: Required<StoredRow>): void;
  /** Rows that only this store has. */
  readonly count: number;
  /** Exactly as they were sent, changes applied. @throws Error where a database alone has them */
  readonly all: readonly Json[];
  /** What was not taken before. */
  take(): NewRows;
}

/** Every row stays here; a database gets copies. */
export class MemoryRows implements RowStore {
  readonly all: Json[] = [];
  /** By key: where its row is. */
  readonly #changes = new Map<string, { readonly place: number; sequence: readonly bigint[] }>();
  #taken = 0;
  #isAnew = false;

  get count(): number {
    return this.all.length;
  }

  push(json: Json): void {
    this.all.push(json);
  }

  upsert(key: string, { json, sequence = [] }: StoredRow): void {
    const known = this.#changes.get(key);
    if (known === undefined) {
      this.#changes.set(key, { place: this.all.push(json) - 1, sequence });
    } else if (!isBefore(sequence, known.sequence)) {
      this.all[known.place] = json;
      known.sequence = sequence;
      this.#isAnew ||= known.place < this.#taken;
    }
  }

  take(): NewRows {
    const isAnew = this.#isAnew;
    const rows = this.all.slice(isAnew ? 0 : this.#taken).map((json) => ({ json }));
    this.#taken = this.all.length;
    this.#isAnew = false;
    return { isAnew, rows };
  }
}

/** Rows wait here for a database, which applies changes when it is asked. */
export class PassingRows implements RowStore {
  #rows: StoredRow[] = [];

  get count(): number {
    return this.#rows.length;
  }

  get all(): readonly Json[] {
    throw new Error("the rows are in the database: ask it");
  }

  push(json: Json): void {
    this.#rows.push({ json });
  }

  upsert(_key: string, row: StoredRow): void {
    this.#rows.push(row);
  }

  take(): NewRows {
    const rows = this.#rows;
    this.#rows = [];
    return { isAnew: false, rows };
  }
}

function isBefore(sequence: readonly bigint[], than: readonly bigint[]): boolean {
  for (let section = 0; section < Math.max(sequence.length, than.length); section++) {
    const [own, other] = [sequence[section] ?? 0n, than[section] ?? 0n];
    if (own !== other) return own < other;
  }
  return false;
}
