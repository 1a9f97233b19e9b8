import { Command } from "commander";
import { consoleSettings, readConsoleSettings } from "../console/config.js";
import { runConsole } from "../console/main.js";
import type { Env } from "../shared/config.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

/** `crunch console`: the pipeline as a live page. */
export function command(env: Env, exit: (code: number) => void): Command {
  const made = addSettingOptions(
    new Command("console").description(
      "Serves one live page until Ctrl-C: the path with counts, rates and lag, the engines, what is parked, " +
        "the latest results and the last 15 minutes. docs/console.md says where each figure comes from.",
    ),
    consoleSettings,
  ).option("--json", "print the address as one line of JSON");
  return made.action(async () => {
    const { json }: { json?: true } = made.opts();
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    await runConsole(readConsoleSettings(withOptions(env, made, consoleSettings)), {
      started: (page) => {
        const may = page.canReplay
          ? "whoever has the token may replay"
          : "read-only: no CONSOLE_TOKEN is set";
        process.stdout.write(
          `${json === true ? JSON.stringify(page) : `the console is ${page.url} (${may})`}\n`,
        );
      },
      note: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
      signal: stop.signal,
    });
    exit(0);
  });
}
