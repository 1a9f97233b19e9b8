import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { parkedSettings, readParkedSettings } from "../parked/config.js";
import type { ParkedSettings } from "../parked/config.js";
import { parseFilter } from "../parked/parked-filter.js";
import type { FilterWords, ParkedFilter } from "../parked/parked-filter.js";
import { dropParked, listParked, replayParked, showParked } from "../parked/parked.js";
import type { ParkedOutput } from "../parked/parked.js";
import type { Env } from "../shared/config.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

interface ParkedOptions extends FilterWords {
  readonly json?: true;
  readonly all?: true;
  readonly yes?: true;
}

/** What a subcommand is run with. */
interface Asked {
  readonly settings: ParkedSettings;
  readonly filter: ParkedFilter;
  readonly output: ParkedOutput;
  readonly options: ParkedOptions;
}

/** `crunch parked list | show | replay | drop`: what could not be crunched or stored, and what becomes of it. */
export function command(env: Env, exit: (code: number) => void): Command {
  const subcommand = (name: string, about: string, run: (asked: Asked) => Promise<number>): Command => {
    const made = addSettingOptions(new Command(name).description(about), parkedSettings)
      .option("--json", "print JSON, one line each")
      .action(async (...args: unknown[]) => {
        const options: ParkedOptions = made.opts();
        const sequences = args.slice(0, -2).flat() as string[];
        const settings = readParkedSettings(withOptions(env, made, parkedSettings));
        const filter = parseFilter({ ...options, sequences }, Date.now());
        exit(await run({ settings, filter, output: outputOf(options), options }));
      });
    return made;
  };
  const list = subcommand("list", "Lists what is parked, oldest first", (asked) =>
    listParked(asked.settings, asked.filter, asked.output),
  );
  const show = subcommand("show", "Shows everything there is of one parked item", (asked) =>
    showParked(asked.settings, asked.filter, asked.output),
  ).argument("<seq>", "its number in `crunch parked list`");
  const replay = subcommand(
    "replay",
    "Publishes parked items again where they came from; doing so twice stores them once",
    ({ settings, filter, output, options }) =>
      replayParked(settings, filter, output, { all: options.all === true }),
  );
  const drop = subcommand(
    "drop",
    "Drops parked items for ever, after asking",
    ({ settings, filter, output, options }) =>
      dropParked(settings, filter, output, {
        all: options.all === true,
        confirm: options.yes === true ? () => Promise.resolve(true) : askOnTerminal(),
      }),
  ).option("--yes", "do not ask");
  for (const each of [replay, drop]) {
    each.argument("[seq...]", "numbers in `crunch parked list`").option("--all", "everything that is parked");
  }
  addFilterOptions(list, "100");
  addFilterOptions(replay);
  addFilterOptions(drop);
  const parked = new Command("parked")
    .description("Lists, shows, replays and drops what could not be crunched or stored")
    .helpCommand(false);
  for (const each of [list, show, replay, drop]) parked.addCommand(each);
  return parked;
}

function addFilterOptions(to: Command, limit?: string): void {
  const more = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  to.option("--reason <reason>", "only with this reason, e.g. cruncher_threw; may be repeated", more)
    .option("--id <id>", "only with a record of this ID, also inside whole frames; may be repeated", more)
    .option("--topic <topic>", "only from this topic: data or results")
    .option("--since <time>", "only parked since: RFC 3339, or how long ago, like 10m, 2h, 3d")
    .option("--until <time>", "only parked until: RFC 3339, or how long ago")
    .option("--limit <n>", "this many at most, oldest first", limit);
}

function outputOf({ json }: ParkedOptions): ParkedOutput {
  // Whoever reads only the first lines is no reason to fail.
  process.stdout.once("error", () => process.exit(0));
  return {
    json: json === true,
    out: (text) => process.stdout.write(text),
    note: (line) => process.stderr.write(`${line}\n`),
  };
}

function askOnTerminal(): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY) return undefined;
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await terminal.question(`${question} [y/N] `);
    terminal.close();
    return /^y(es)?$/i.test(answer.trim());
  };
}
