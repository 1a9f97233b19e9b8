import { readCrunchSettings } from "../crunch-engine/config.js";
import type { CrunchSettings } from "../crunch-engine/config.js";
import { readDataSettings } from "../data-engine/config.js";
import type { DataSettings } from "../data-engine/config.js";
import { readResultsSettings } from "../results-engine/config.js";
import type { ResultsSettings } from "../results-engine/config.js";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";

/** The settings of all three engines. */
export interface AllSettings {
  readonly data: DataSettings;
  readonly crunch: CrunchSettings;
  readonly results: ResultsSettings;
}

/** @throws UserError with every problem of all of them, each once */
export function readAllSettings(env: Env): AllSettings {
  const problems = new Set<string>();
  const read = <Settings>(reader: () => Settings): Settings | undefined => {
    try {
      return reader();
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      for (const problem of thrown.problems) problems.add(problem);
      return undefined;
    }
  };
  const data = read(() => readDataSettings(env));
  const crunch = read(() => readCrunchSettings(env));
  const results = read(() => readResultsSettings(env));
  if (data === undefined || crunch === undefined || results === undefined) {
    throw new UserError([...problems]);
  }
  return { data, crunch, results };
}
