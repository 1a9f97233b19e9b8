import { CommanderError } from "commander";
import type { Command } from "commander";
import { UserError } from "../services/shared/errors.js";
import { MarathonError } from "./api/marathon-error.js";
import type { MarathonErrorCode } from "./api/marathon-error.js";

const EXIT_CODES: Readonly<Record<MarathonErrorCode, number>> = {
  invalid: 2,
  locked: 3,
  credentials: 4,
  unreachable: 4,
  missing: 2,
};

/** For `--help`. */
export const EXIT_CODE_HELP =
  "  2  bad input, or Marathon refuses what it is given\n" +
  "  3  another deployment is in progress\n" +
  "  4  Marathon cannot be reached, or wants other credentials";

/**
 * Runs a command line; what a person can mend ends as one sentence on stderr.
 *
 * @param code of the action, asked for when it is done
 * @returns the exit code
 */
export async function runCommand(
  command: Command,
  args: readonly string[],
  code: () => number,
): Promise<number> {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  try {
    await command.parseAsync([...args], { from: "user" });
    return code();
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return 0;
      const what = thrown.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
      process.stderr.write(`${what}; --help lists what there is\n`);
      return 2;
    }
    if (!(thrown instanceof UserError) && !(thrown instanceof MarathonError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return thrown instanceof MarathonError ? EXIT_CODES[thrown.code] : 2;
  }
}

/** Aborts at the first SIGINT or SIGTERM. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
