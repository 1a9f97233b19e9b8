/** What the tables of a sink must look like, against what they do look like. */

/** One thing that differs. */
export interface SchemaDifference {
  /** What is there, against what is needed: one clause without full stop. */
  readonly problem: string;
  /** What `apply` does about it; undefined if it must not. */
  readonly change: string | undefined;
  /** Why `apply` must not, with what a person can do; undefined if it does. */
  readonly refusal: string | undefined;
}

/** What {@link SinkSchema.compare} found. */
export interface SchemaComparison {
  /** Empty when an engine of this version finds its tables as it would make them. */
  readonly differences: readonly SchemaDifference[];
  /** What differs and does no harm, each one clause without full stop. */
  readonly notes: readonly string[];
}

/** The tables of one sink. Describing them asks nobody. */
export interface SinkSchema {
  /** Where the rows are, for people: `results in crunch.duckdb`. */
  readonly description: string;
  /** Statements that make everything, in order, without semicolons. */
  readonly ddl: readonly string[];
  /** The columns of the table in the words of the warehouse. */
  readonly columns: readonly SchemaColumn[];
  /** How the table is laid out; empty where the warehouse has no choice. */
  readonly layout: Readonly<Record<string, string>>;

  /**
   * Holds what is there against what is described, and changes nothing.
   *
   * @throws UserError when the warehouse cannot be read
   */
  compare(): Promise<SchemaComparison>;

  /**
   * Makes the changes of a comparison without refusals: new tables, views and columns without a value.
   *
   * @throws UserError when the warehouse refuses
   */
  apply(): Promise<void>;
}

export interface SchemaColumn {
  readonly name: string;
  readonly type: string;
  readonly mode: "REQUIRED" | "NULLABLE";
}

/** A difference that `apply` removes. */
export function addition(problem: string, change: string): SchemaDifference {
  return { problem, change, refusal: undefined };
}

/** A difference that is left to a person. */
export function refusal(problem: string, why: string): SchemaDifference {
  return { problem, change: undefined, refusal: why };
}
