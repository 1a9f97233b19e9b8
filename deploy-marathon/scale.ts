/** `deploy-marathon/scale.sh`: as many crunch-engines as empty the streams in time. */
import { Command } from "commander";
import { addSettingOptions, withOptions } from "../services/cli/setting-options.js";
import type { Env } from "../services/shared/config.js";
import { wallClock } from "./clock.js";
import { readMarathonAccess, readScaleSettings, scaleSettings } from "./config.js";
import { Marathon } from "./api/marathon.js";
import { EXIT_CODE_HELP, runCommand, stopSignal } from "./run-command.js";
import { Scaler } from "./scaling/scaler.js";
import type { ScaleReport } from "./scaling/scaler.js";

const HELP = `
It asks the results-engines for crunch_drain_seconds and the crunch-engines how busy their threads are, at
the addresses that Marathon gave them, and needs nothing else. SIGTERM ends it.

Credentials for Marathon, from the environment only:
  MARATHON_USER, MARATHON_PASSWORD   basic authentication
  MARATHON_TOKEN                     a token of DC/OS

Exit codes:
  0  ended by a signal, or --once is done
${EXIT_CODE_HELP}
(3 and 4 with --once only; otherwise it says so and tries again.)`;

interface Options {
  readonly once?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

const command = addSettingOptions(
  new Command("scale.sh")
    .description(
      "Starts and stops crunch-engines on Marathon, as the time until nothing is outstanding asks for.",
    )
    .option("--once", "decide once, from two looks, and end: for a scheduler that calls it again")
    .option("--dry-run", "say what it would do, and change nothing")
    .option("--json", "print JSON, one line a look"),
  scaleSettings,
).addHelpText("after", HELP);
command.action(() => run(command.opts<Options>(), withOptions(process.env, command, scaleSettings)));
process.exitCode = await runCommand(command, process.argv.slice(2), () => 0);

async function run(options: Options, env: Env): Promise<void> {
  const settings = readScaleSettings(env);
  const marathon = new Marathon(readMarathonAccess(env));
  const isDry = options.dryRun === true;
  const scaler = new Scaler({ marathon, settings, isDry, clock: wallClock });
  const signal = stopSignal();
  const print = options.json === true ? printJson : printNews(isDry);
  if (options.once !== true) {
    await scaler.run(print, signal);
    return;
  }
  const report = await scaler.once(signal);
  if (report !== undefined) print(report);
}

function printJson(report: ScaleReport | string): void {
  const at = new Date().toISOString();
  const line = typeof report === "string" ? { at, trouble: report } : { at, ...report };
  // JSON has no Infinity: while nothing moves the drain time is null, as in `crunch status`.
  process.stdout.write(
    `${JSON.stringify(line, (_key, value: unknown) => (value === undefined ? null : value))}\n`,
  );
}

/** Lines for people: each change, and why nothing changes when that is another reason than before. */
function printNews(isDry: boolean): (report: ScaleReport | string) => void {
  let before = "";
  return (report) => {
    const line = typeof report === "string" ? report : sentenceOf(report, isDry);
    // Numbers move at every look; they are no news.
    const kind = line.replace(/\d+/g, "");
    const isChange = typeof report !== "string" && report.wanted !== report.engines && !isDry;
    if (isChange || kind !== before) process.stdout.write(`${new Date().toISOString()} ${line}\n`);
    before = kind;
  };
}

function sentenceOf({ app, engines, wanted, why }: ScaleReport, isDry: boolean): string {
  if (wanted === engines) return `${app} stays at ${String(engines)}: ${why}`;
  return `${app} ${isDry ? "would go" : "goes"} from ${String(engines)} to ${String(wanted)}: ${why}`;
}
