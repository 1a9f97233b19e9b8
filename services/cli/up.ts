import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { crunchSettings } from "../crunch-engine/config.js";
import { dataSettings } from "../data-engine/config.js";
import { up } from "../local/up.js";
import { resultsSettings } from "../results-engine/config.js";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";
import { addSettingOptions, withOptions } from "./setting-options.js";
import type { SettingsSchema } from "./setting-options.js";

const MAX_ENGINES = 64;
/** `crunch up` gives every engine a port of its own on loopback. */
const OF_THE_LAUNCHER = ["HTTP_PORT", "HTTP_HOST"];

/** `crunch up`: the whole path on this machine. */
export function command(env: Env, exit: (code: number) => void): Command {
  const schema = settingsOfAll();
  const upCommand = new Command("up")
    .description(
      "Runs the whole path on this machine: a nats-server (unless NATS_URL names one), the engines, " +
        "progress on stderr and a summary on stdout. An unfinished run is continued by the same command.",
    )
    .option("--engines <n>", `number of crunch-engines, 1 to ${String(MAX_ENGINES)}`, engineCount, 1)
    .option("--json", "print the summary as one line of JSON")
    .option("--fresh", "forget the unfinished run and drop the rows of the sink (duckdb: only)")
    .addHelpText(
      "after",
      "\nExit codes: 0 all accounted for, 1 a part died three times in a minute, 2 bad input, 3 records are outstanding.",
    );
  return addSettingOptions(upCommand, schema).action(
    async (options: { engines: number; json?: true; fresh?: true }) => {
      const code = await up({
        env: withOptions(env, upCommand, schema),
        cwd: process.cwd(),
        crunchPath: fileURLToPath(new URL("../../../bin/crunch.js", import.meta.url)),
        engines: options.engines,
        json: options.json === true,
        fresh: options.fresh === true,
        stdout: process.stdout,
        stderr: process.stderr,
      });
      exit(code);
    },
  );
}

/** The plug-ins first, then what every engine has, then the rest. */
function settingsOfAll(): SettingsSchema {
  const all: SettingsSchema["shape"] = {
    ...dataSettings.shape,
    ...crunchSettings.shape,
    ...resultsSettings.shape,
    NATS_URL: {
      description: "NATS servers of your own, separated by commas; without it a nats-server is started here",
      safeParse: () => ({}),
    },
  };
  const first = ["SOURCE", "CRUNCHER", "SINK", "THREADS"].filter((name) => name in all);
  const names = new Set([...first, ...Object.keys(all)].filter((name) => !OF_THE_LAUNCHER.includes(name)));
  const shape: Record<string, SettingsSchema["shape"][string]> = {};
  for (const name of names) {
    const setting = all[name];
    if (setting !== undefined) shape[name] = setting;
  }
  return { shape };
}

function engineCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MAX_ENGINES) {
    throw new UserError(`--engines="${text}": must be a whole number from 1 to ${String(MAX_ENGINES)}`);
  }
  return value;
}
