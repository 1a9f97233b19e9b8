import { Command } from "commander";
import type { Env } from "../shared/config.js";
import { readStatusSettings, statusSettings } from "../status/config.js";
import { showStatus } from "../status/status.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

/** `crunch status`: where every record is, and who works on them. */
export function command(env: Env, exit: (code: number) => void): Command {
  const made = addSettingOptions(
    new Command("status").description("Shows where every record is: the ledger, each stage and every engine"),
    statusSettings,
  )
    .option("--watch", "look again every second, until Ctrl-C")
    .option("--json", "print JSON, one line a look");
  return made.action(async () => {
    const options: { watch?: true; json?: true } = made.opts();
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    // Whoever reads only the first lines is no reason to fail.
    process.stdout.once("error", () => process.exit(0));
    exit(
      await showStatus(readStatusSettings(withOptions(env, made, statusSettings)), {
        json: options.json === true,
        watch: options.watch === true,
        isTerminal: process.stdout.isTTY,
        out: (text) => process.stdout.write(text),
        signal: stop.signal,
      }),
    );
  });
}
