/** One record as a cruncher sees it. */
export interface CrunchRecord {
  readonly ID: bigint;
  readonly Data: bigint;
  readonly Meta: string;
}

/**
 * The function that turns a record into its RData: a bigint or a number that is a whole int64.
 * It may run many times for one record and on many threads at once, so it keeps no state that
 * matters. Throwing parks the record with the error and its stack.
 */
export type Cruncher = (record: CrunchRecord) => bigint | number | Promise<bigint | number>;

/** A cruncher with the identity that makes its results recognisable. */
export interface NamedCruncher {
  /** As written in CRUNCHER for a built-in, the file's base name for a module. */
  readonly name: string;
  /** The module's `version` export, else a hash of its file; built-ins have their own. */
  readonly version: string;
  readonly crunch: Cruncher;
}
