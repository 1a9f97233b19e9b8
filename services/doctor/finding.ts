/**
 * - `error`: records will not flow, or may be lost.
 * - `warning`: it works until something happens that a production system meets.
 * - `info`: nothing to change, or something that could not be checked and why.
 */
export type FindingLevel = "error" | "warning" | "info";

/** One thing that a check found. */
export interface Finding {
  readonly level: FindingLevel;
  /** The setting to change, or the part that is not ours: `nats-server`, `NATS stream DATA`. */
  readonly setting: string;
  /** Its value as it is now; empty where there is none. */
  readonly value: string;
  /** What the value should be; empty where there is nothing to change. */
  readonly limit: string;
  /** What is wrong, in one sentence without full stop. */
  readonly problem: string;
  /** Why it matters, in one sentence without full stop; empty where the problem says it all. */
  readonly why: string;
}
