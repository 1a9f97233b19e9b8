import type { Env } from "../shared/config.js";
import type { ProgressOutput } from "./progress.js";

/** How `crunch up` was called. */
export interface UpOptions {
  readonly env: Env;
  /** Where relative paths start and `.crunch/` lies. */
  readonly cwd: string;
  /** The script that runs an engine: bin/crunch.js. */
  readonly crunchPath: string;
  /** How many crunch-engines. */
  readonly engines: number;
  /** Print the summary as one line of JSON. */
  readonly json: boolean;
  /** Forget the unfinished run and the rows in the sink's table. */
  readonly fresh: boolean;
  /** Gets the summary. */
  readonly stdout: { write(text: string): unknown };
  /** Gets progress and everything else. */
  readonly stderr: ProgressOutput;
}
