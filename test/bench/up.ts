/** `crunch up` as a person runs it, and what it says at the end. */
import type { Summary } from "../../services/local/summary.js";
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";

const DEADLINE_MS = 300_000;

export interface UpOptions {
  readonly source: string;
  /** Identity unless given. */
  readonly cruncher?: string;
  readonly env?: Readonly<Record<string, string>>;
}
