import { Command, CommanderError } from "commander";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";
import { VERSION } from "../shared/product.js";

/** Builds one subcommand; its action hands the exit code to `exit`. */
type MakeCommand = (env: Env, exit: (code: number) => void) => Command;

/** Only the module of the command that is asked for is loaded, so that every command starts fast. */
const commands: Readonly<Record<string, { about: string; load: () => Promise<{ command: MakeCommand }> }>> = {
  up: {
    about: "run the whole path on this machine: NATS, the engines, progress, summary",
    load: () => import("./up.js"),
  },
  doctor: {
    about: "check settings, plug-ins, NATS, clocks and disks before anything starts",
    load: () => import("./doctor.js"),
  },
  data: { about: "run a data-engine: source -> NATS", load: () => import("./data.js") },
  engine: { about: "run a crunch-engine: NATS -> crunchers -> NATS", load: () => import("./engine.js") },
  results: { about: "run a results-engine: NATS -> sink", load: () => import("./results.js") },
  status: {
    about: "show where every record is, and which engines work on them",
    load: () => import("./status.js"),
  },
  console: {
    about: "serve the pipeline as a live page: counts, rates, engines, what is parked",
    load: () => import("./console.js"),
  },
  parked: {
    about: "list, show, replay or drop what could not be crunched or stored",
    load: () => import("./parked.js"),
  },
  streams: {
    about: "make the streams, for engines whose NATS user may not",
    load: () => import("./streams.js"),
  },
  "nats-config": {
    about: "write users, keys and certificates for a NATS server",
    load: () => import("./nats-config.js"),
  },
  schema: {
    about: "show, compare and extend the tables that rows end in",
    load: () => import("./schema.js"),
  },
  "fake-bigquery": {
    about: "serve a BigQuery of this machine, in memory, with faults on request",
    load: () => import("./fake-bigquery.js"),
  },
  health: { about: "ask a running engine whether it is ready", load: () => import("./health.js") },
};

/**
 * The command line.
 *
 * @returns the exit code: 2 with one sentence on stderr for bad input
 */
export async function main(args: readonly string[], env: Env): Promise<number> {
  let exitCode = 0;
  const program = new Command("crunch")
    .description("Numbered records in, your function on every core, each record accounted for once.")
    .addHelpText("after", "\n`crunch COMMAND --help` lists the options of a command.")
    .helpCommand(false)
    .version(VERSION, "--version", "print the version");
  const asked = args[0] ?? "";
  for (const [name, { about, load }] of Object.entries(commands)) {
    if (name !== asked) program.command(name).description(about);
    else program.addCommand((await load()).command(env, (code) => (exitCode = code)));
  }
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap((each) => each.commands),
  ]) {
    command.exitOverride().configureOutput({ outputError: () => undefined });
  }
  try {
    if (args.length === 0) {
      process.stderr.write(program.helpInformation());
      return 2;
    }
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // A group of commands without one: its help is on stderr already.
    if (thrown instanceof CommanderError && thrown.code === "commander.help") return 2;
    if (!(thrown instanceof CommanderError) && !(thrown instanceof UserError)) throw thrown;
    process.stderr.write(`${sentenceOf(thrown, asked)}\n`);
    return 2;
  }
}

function sentenceOf(error: CommanderError | UserError, asked: string): string {
  if (error instanceof UserError) return error.message;
  const command = Object.hasOwn(commands, asked) ? `crunch ${asked}` : "crunch";
  const what = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  return `${what}; \`${command} --help\` lists what there is`;
}
