import type { IncomingMessage } from "node:http";

export interface FakeBigQueryOptions {
  /** The fake's clock, in milliseconds since the epoch. */
  readonly nowMs?: () => number;
  /** Whether insertIds are remembered for a minute; true unless told. */
  readonly remembersInsertIds?: boolean;
  /** Whether {@link FakeBigQuery.requests} is kept; true unless told. */
  readonly keepsRequests?: boolean;
  /** An emulator that leaves `kind` out of its replies. */
  readonly leavesKindOut?: boolean;
  /** Where it listens; any free port unless told. */
  readonly port?: number;
  /** An address of this machine; unless told, nobody else reaches it. */
  readonly host?: string;
  /** Where the Storage Write API listens, 0 for any free port; it is not served unless told. */
  readonly writePort?: number | undefined;
  /**
   * Keeps rows in a DuckDB alone, so that they take little memory: in this file, which is made, or in memory if it is
   * `true`. Unless told, rows stay in this process and a DuckDB gets copies when queries come.
   */
  readonly database?: string | true | undefined;
  /** What the caller may do with tables, as testIamPermissions tells; everything unless told. */
  readonly permissions?: readonly string[] | undefined;
}

/** One request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  /** Below `projects/PROJECT/`. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Unzipped. */
  readonly body: Buffer;
}
