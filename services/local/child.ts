/** What the launcher knows of one process that it started; {@link Supervisor} keeps it alive. */
export interface Child {
  readonly pid: number;
  /** Resolves with the start details once it is ready; with undefined if it ended before. */
  readonly started: Promise<StartDetails | undefined>;
  /** Resolves when the process is gone and its last output was read. */
  readonly ended: Promise<ChildEnd>;
  /** Tells an engine that no message will come any more. */
  nothingMore?(): void;
  /** Does nothing when the process is gone. */
  kill(signal: NodeJS.Signals): void;
}

/** What a child says when it is ready. */
export interface StartDetails {
  /** Where it can be reached: HTTP of an engine, clients of a nats-server. */
  readonly port: number;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote on stderr, whole. */
  readonly stderr: string;
  /** Its last lines, for people. */
  readonly lastWords: readonly string[];
  /** Its stop line, if it wrote one. */
  readonly totals: LogLine | undefined;
}

/** One JSON line of an engine's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** How a process ended, in words: `exit code 1`, `SIGKILL`. */
export function howItEnded(end: ChildEnd): string {
  return end.signal ?? `exit code ${String(end.code)}`;
}
