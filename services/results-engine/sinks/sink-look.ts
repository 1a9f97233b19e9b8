import type { FindingLevel } from "../../doctor/finding.js";

/** Something about a sink that a person should know before an engine opens it. */
export interface SinkRemark {
  readonly level: FindingLevel;
  /** One sentence without full stop. */
  readonly problem: string;
  /** What comes of it, one sentence without full stop. */
  readonly why: string;
}

/** What a sink looks like from outside. Looking changes nothing there. */
export interface SinkLook {
  readonly remarks: readonly SinkRemark[];
  /** Folder of this machine that the rows are kept in; undefined if they are kept elsewhere. */
  readonly folder: string | undefined;
  /** The longest that the sink waits for one answer, in milliseconds; 0 if it asks nobody. */
  readonly deadlineMs: number;
}

/** A remark about something that keeps a results-engine from starting. */
export function keepsFromStarting(problem: string): SinkRemark {
  return { level: "error", problem, why: "no results-engine starts with it, so no row is stored" };
}
