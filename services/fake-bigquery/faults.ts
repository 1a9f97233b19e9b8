/** What BigQuery says about one row. */
export interface RowFault {
  readonly reason: string;
  readonly location?: string;
  readonly message?: string;
}

export type Json = Readonly<Record<string, unknown>>;

/** One thing that goes wrong. Faults wait in a line; the first one that fits a request is used. */
export interface Fault {
  /**
   * Which requests it fits; without it, rows on their way: insertAll, the start of a load job and appends.
   * Paths look like `datasets/d/tables/t/insertAll`; an append has the method APPEND and the path
   * `datasets/d/tables/t/streams/_default`.
   */
  readonly on?: { readonly method?: string; readonly path: RegExp };
  /** For how many requests; 1 unless told. */
  readonly times?: number;
  /** Waits before anything else, in milliseconds. */
  readonly latencyMs?: number;
  /** Answers with this status and Google's error JSON; without `reason` there are no `errors` in it. */
  readonly status?: number;
  readonly reason?: string;
  readonly message?: string;
  /** Answers with this text instead of the JSON. */
  readonly body?: string;
  /** Takes the request and never answers; the rows are not stored. */
  readonly hang?: boolean;
  /** Stores the rows, then never answers. */
  readonly commitThenHang?: boolean;
  /** Stores the rows, then breaks the connection. */
  readonly commitThenDrop?: boolean;
  /** Breaks the connection and stores nothing. */
  readonly dropBeforeCommit?: boolean;
  /** A captive portal: 200, HTML, nothing stored. */
  readonly html200?: boolean;
  /** 404 for so long after the first request that meets it, in milliseconds of the fake's clock. */
  readonly notFoundForMs?: number;
  /** The job is taken and ends with this error, nothing of it stored. */
  readonly jobError?: RowFault;
  /** The job is RUNNING for so many looks before it ends. */
  readonly runsForLooks?: number;
  /** Of an append: refuses it with this gRPC code, such as `RESOURCE_EXHAUSTED`, and goes on. */
  readonly code?: string;
  /** With `code`: ends the stream with it instead. */
  readonly endsStream?: boolean;
  /** Of an append: its answer tells of a column added to the table meanwhile. */
  readonly updatedSchema?: boolean;
  /** Of an append: nothing is stored and the answer holds neither a result nor an error. */
  readonly emptyAnswer?: boolean;
  /** Of an append: one more answer follows that belongs to nothing. */
  readonly answersTwice?: boolean;
  /** Of an append or a load job: rows are not read; for measurements of the other side. */
  readonly takesUnread?: boolean;
  /** Of an append: refuses one that holds such a row, and does not say which it is. */
  readonly refuses?: (row: Json) => boolean;
  /** Refuses rows on top of the fake's own checks. */
  readonly rowErrors?: (row: Json, index: number) => RowFault | undefined;
}

interface Waiting {
  readonly fault: Fault;
  left: number;
  endsAtMs: number | undefined;
}

/** The faults to come, in order. */
export class FaultScript {
  readonly #waiting: Waiting[] = [];

  push(...faults: readonly Fault[]): void {
    for (const fault of faults) this.#waiting.push({ fault, left: fault.times ?? 1, endsAtMs: undefined });
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  /** The fault of this request, used up once. */
  next(method: string, path: string, nowMs: number): Fault | undefined {
    for (const entry of [...this.#waiting]) {
      const { fault } = entry;
      if (!fits(fault, method, path)) continue;
      if (fault.notFoundForMs !== undefined) {
        entry.endsAtMs ??= nowMs + fault.notFoundForMs;
        if (nowMs < entry.endsAtMs) return { status: 404, reason: "notFound", message: "Not found: Table" };
        this.#remove(entry);
        continue;
      }
      entry.left--;
      if (entry.left <= 0) this.#remove(entry);
      return fault;
    }
    return undefined;
  }

  #remove(entry: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(entry), 1);
  }
}

function fits(fault: Fault, method: string, path: string): boolean {
  if (fault.on === undefined) {
    return method === "APPEND" || path.endsWith("/insertAll") || (method === "POST" && path === "jobs");
  }
  return fault.on.path.test(path) && (fault.on.method ?? method) === method;
}
