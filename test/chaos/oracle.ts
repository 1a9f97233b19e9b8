/**
 * What must be in the table and what must be parked, and the comparison with what is.
 *
 * Everything a producer sends is offered first, so that it may be there; from its confirm on it must
 * be there. What was never offered must not.
 */

export interface OfferedRecord {
  readonly id: bigint;
  readonly data: bigint;
  readonly meta: string;
}

/** Where a record must end: in the table with `rData`, or parked for one of `reasons`, or either if both are set. */
export interface Fate {
  readonly rData?: bigint;
  readonly reasons?: readonly string[];
}

/** A row of the table. Times in microseconds since the epoch. */
export interface StoredRow extends OfferedRecord {
  readonly rData: bigint;
  readonly dTimeUs: bigint;
  readonly processTimeUs: bigint;
  readonly rTimeUs: bigint;
}

/** What is parked: a record, or bytes or text that are none. */
export type ParkedEntry = { readonly reason: string } & (
  { readonly record: OfferedRecord } | { readonly payload: string }
);

/** Within these every time of a row must lie, in microseconds since the epoch. */
export interface SaneTimes {
  readonly fromUs: bigint;
  readonly toUs: bigint;
  /** How far the clocks of engines were moved at most; the server's clock is not moved. */
  readonly clockStepUs: bigint;
}

/** A difference between what must be and what is; each names its record. */
export type DifferenceKind = "lost" | "twice" | "invented" | "altered" | "miscounted";
export const DIFFERENCES: readonly DifferenceKind[] = ["lost", "twice", "invented", "altered", "miscounted"];

export interface Ledger {
  readonly confirmed: number;
  /** Offered and never confirmed: may be there or not. */
  readonly unconfirmed: number;
  readonly stored: number;
  readonly parked: Readonly<Record<string, number>>;
  /** Records that failed on one engine, were parked, and succeeded on another: both are true. */
  readonly parkedAndStored: number;
  readonly differences: Readonly<Record<DifferenceKind, number>>;
  /** The first of each kind, for people. */
  readonly examples: readonly string[];
}

interface Obligation {
  readonly record: OfferedRecord | undefined;
  readonly fate: Fate;
  /** Undefined until it is. */
  confirmedWhere: string | undefined;
  rows: number;
  parks: number;
}

const MAX_EXAMPLES_PER_KIND = 10;

export class Oracle {
  /** By `r` and the ID, or `p` and the payload. */
  readonly #obligations = new Map<string, Obligation>();
  readonly #differences: Record<DifferenceKind, number> = {
    lost: 0,
    twice: 0,
    invented: 0,
    altered: 0,
    miscounted: 0,
  };
  readonly #examples: string[] = [];
  readonly #parked: Record<string, number> = {};
  #stored = 0;

  /** A producer is about to send a record; its ID is new. */
  offer(record: OfferedRecord, fate: Fate): void {
    this.#offer(recordKey(record.id), record, fate);
  }

  /** A producer is about to send what is no record; its text is new. */
  offerPoison(payload: string, reason: string): void {
    this.#offer(poisonKey(payload), undefined, { reasons: [reason] });
  }

  /** The stream has the record. @param where for people: which message it is in */
  confirm(id: bigint, where = ""): void {
    this.#confirm(recordKey(id), where);
  }

  confirmPoison(payload: string, where = ""): void {
    this.#confirm(poisonKey(payload), where);
  }

  /** One row that the table, or the view over it, shows. */
  seeRow(row: StoredRow, times: SaneTimes): void {
    this.#stored += 1;
    const obligation = this.#obligations.get(recordKey(row.id));
    if (obligation?.record === undefined) {
      this.#differ("invented", `row of ID ${String(row.id)}, which nobody sent`);
      return;
    }
    obligation.rows += 1;
    if (obligation.rows > 1) this.#differ("twice", `ID ${String(row.id)} has a further row`);
    this.#compareRow(row, obligation.record, obligation.fate);
    this.#compareTimes(row, times);
  }

  seeParked(entry: ParkedEntry): void {
    const { reason } = entry;
    this.#parked[reason] = (this.#parked[reason] ?? 0) + 1;
    const name =
      "record" in entry ? `ID ${String(entry.record.id)}` : `payload ${entry.payload.slice(0, 60)}`;
    const key = "record" in entry ? recordKey(entry.record.id) : poisonKey(entry.payload);
    const obligation = this.#obligations.get(key);
    if (obligation === undefined) {
      this.#differ("invented", `${name} parked for ${reason}, which nobody sent`);
      return;
    }
    obligation.parks += 1;
    if (obligation.parks > 1) this.#differ("twice", `${name} is parked once more, for ${reason}`);
    if (obligation.fate.reasons?.includes(reason) !== true) {
      this.#differ("altered", `${name} is parked for ${reason}, not ${namesOf(obligation.fate)}`);
    }
    if (!("record" in entry) || obligation.record === undefined) return;
    const { data, meta } = obligation.record;
    if (entry.record.data === data && entry.record.meta === meta) return;
    this.#differ(
      "altered",
      `${name} is parked with Data ${String(entry.record.data)}, Meta ${entry.record.meta}`,
    );
  }

  /** What the sink itself counted, after all rows were seen. No ID was sent twice, so none repeats. */
  seeTotals({ stored, repeats }: { readonly stored: number; readonly repeats: number }): void {
    if (stored !== this.#stored) {
      this.#differ(
        "miscounted",
        `the sink counted ${String(stored)} stored, its table has ${String(this.#stored)}`,
      );
    }
    if (repeats !== 0)
      this.#differ("miscounted", `the sink counted ${String(repeats)} repeats, nobody sent any`);
  }

  /** To be called once, when everything was seen. */
  settle(): Ledger {
    let confirmed = 0;
    let parkedAndStored = 0;
    for (const [key, { confirmedWhere, rows, parks, fate }] of this.#obligations) {
      const isConfirmed = confirmedWhere !== undefined;
      confirmed += Number(isConfirmed);
      const mayBeBoth = fate.rData !== undefined && fate.reasons !== undefined;
      if (rows > 0 && parks > 0 && mayBeBoth) parkedAndStored += 1;
      else if (rows > 0 && parks > 0) this.#differ("twice", `${key} is parked and stored`);
      if (isConfirmed && rows + parks === 0) {
        this.#differ("lost", `${key}, must be ${namesOf(fate)}; confirmed ${confirmedWhere}`);
      }
    }
    return {
      confirmed,
      unconfirmed: this.#obligations.size - confirmed,
      stored: this.#stored,
      parked: this.#parked,
      parkedAndStored,
      differences: this.#differences,
      examples: this.#examples,
    };
  }

  #offer(key: string, record: OfferedRecord | undefined, fate: Fate): void {
    if (this.#obligations.has(key)) throw new Error(`${key} was offered before`);
    this.#obligations.set(key, { record, fate, confirmedWhere: undefined, rows: 0, parks: 0 });
  }

  #confirm(key: string, where: string): void {
    const obligation = this.#obligations.get(key);
    if (obligation === undefined) throw new Error(`${key} is confirmed and was never offered`);
    obligation.confirmedWhere = where;
  }

  #compareRow(row: StoredRow, record: OfferedRecord, fate: Fate): void {
    const name = `ID ${String(row.id)}`;
    if (fate.rData === undefined) {
      this.#differ("altered", `${name} is stored, must be ${namesOf(fate)}`);
    } else if (row.rData !== fate.rData) {
      this.#differ("altered", `${name} has RData ${String(row.rData)}, not ${String(fate.rData)}`);
    }
    if (row.data !== record.data) {
      this.#differ("altered", `${name} has Data ${String(row.data)}, not ${String(record.data)}`);
    }
    if (row.meta !== record.meta) {
      this.#differ(
        "altered",
        `${name} has Meta ${JSON.stringify(row.meta)}, not ${JSON.stringify(record.meta)}`,
      );
    }
  }

  #compareTimes(row: StoredRow, { fromUs, toUs, clockStepUs }: SaneTimes): void {
    const times = { DTimeStamp: row.dTimeUs, ProcessTime: row.processTimeUs, RTimeStamp: row.rTimeUs };
    for (const [column, us] of Object.entries(times)) {
      const stepUs = column === "DTimeStamp" ? 0n : clockStepUs;
      if (us >= fromUs - stepUs && us <= toUs + stepUs) continue;
      this.#differ("altered", `ID ${String(row.id)} has a ${column} outside of the run: ${String(us)} us`);
    }
  }

  #differ(kind: DifferenceKind, what: string): void {
    this.#differences[kind] += 1;
    if (this.#differences[kind] <= MAX_EXAMPLES_PER_KIND) this.#examples.push(`${kind}: ${what}`);
  }
}

export function differencesIn(ledger: Ledger): number {
  return DIFFERENCES.reduce((sum, kind) => sum + ledger.differences[kind], 0);
}

function recordKey(id: bigint): string {
  return `ID ${String(id)}`;
}

function poisonKey(payload: string): string {
  return `poison ${payload}`;
}

function namesOf({ rData, reasons }: Fate): string {
  const ends = [
    ...(rData === undefined ? [] : ["stored"]),
    ...(reasons ?? []).map((one) => `parked for ${one}`),
  ];
  return ends.join(" or ");
}
