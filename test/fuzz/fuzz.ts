/**
 * `npm run fuzz -- --messages N --settings N --engines N --seed S`: malformed input until something
 * gives. Exit code 1 with the input and the seed when it does, 2 for arguments that are none.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { inspect, parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { UserError, messageOf } from "../../services/shared/errors.js";
import { tempFolder } from "../support/temp-folder.js";
import { fuzzEngines } from "./engine-fuzz.js";
import type { MessageTotals } from "./message-fuzz.js";
import type { MessageReply, MessageShare } from "./message-thread.js";
import { fuzzSettings } from "./setting-fuzz.js";

const USAGE = `Malformed messages and settings, until something gives.

  --messages N   through decode, crunch, encode and decode   (default 1000000)
  --engines N    of them more, through real engines          (default 20000)
  --settings N   settings and plug-in URIs                   (default 100000)
  --seed S       the same seed, the same input               (default 1)
`;
const MAX_FAILURE_CHARS = 4_000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n\n${USAGE}`);
    return 2;
  }
  const { messages, settings, engines, seed } = options;
  const folder = tempFolder();
  try {
    if (settings > 0) report("settings", settings, seed, await settingsOf(settings, seed, folder.path));
    if (messages > 0) report("messages", messages, seed, await messagesOf(messages, seed));
    if (engines > 0) report("engines", engines, seed, await fuzzEngines(engines, seed, folder.path));
    return 0;
  } catch (thrown) {
    process.stdout.write(`failed with --seed ${String(seed)}\n`);
    process.stdout.write(`${messageOf(thrown).slice(0, MAX_FAILURE_CHARS)}\n`);
    return 1;
  } finally {
    folder.remove();
  }
}

interface Options {
  readonly messages: number;
  readonly settings: number;
  readonly engines: number;
  readonly seed: number;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      messages: { type: "string", default: "1000000" },
      settings: { type: "string", default: "100000" },
      engines: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
    },
  });
  const number = (name: keyof Options): number => {
    if (/^\d{1,9}$/.test(values[name])) return Number(values[name]);
    throw new UserError(`--${name}="${values[name]}": must be a whole number from 0 to 999999999`);
  };
  return {
    messages: number("messages"),
    settings: number("settings"),
    engines: number("engines"),
    seed: number("seed"),
  };
}

/** Spread over the cores; each thread's share has a seed of its own. */
async function messagesOf(count: number, seed: number): Promise<object> {
  const threads = availableParallelism();
  const shares = Array.from({ length: threads }, (_, index): MessageShare => {
    const share = Math.floor(count / threads) + (index < count % threads ? 1 : 0);
    return { count: share, seed: seed * 1_000 + index };
  });
  const all = await Promise.all(shares.map(messagesInThread));
  const sum = (read: (totals: MessageTotals) => number): number =>
    all.reduce((total, each) => total + read(each), 0);
  const reasons = new Set(all.flatMap(({ differences }) => [...differences.keys()]));
  return {
    whole: sum(({ whole }) => whole),
    inPart: sum(({ inPart }) => inPart),
    parked: sum(({ parked }) => parked),
    rows: sum(({ rows }) => rows),
    brokenEntries: sum(({ brokenEntries }) => brokenEntries),
    slowestMs: Math.max(...all.map(({ slowestMs }) => slowestMs)),
    differences: Object.fromEntries(
      [...reasons].map((why) => [why, sum(({ differences }) => differences.get(why) ?? 0)]),
    ),
  };
}

async function messagesInThread(share: MessageShare): Promise<MessageTotals> {
  const thread = new Worker(new URL("./message-thread.js", import.meta.url), { workerData: share });
  const [reply] = (await once(thread, "message")) as [MessageReply];
  if ("failure" in reply) throw new Error(reply.failure);
  return reply.totals;
}

async function settingsOf(count: number, seed: number, folder: string): Promise<object> {
  const { failures, ...totals } = await fuzzSettings(count, seed, folder);
  if (failures.size === 0) return totals;
  const lines = [...failures].map(([kind, values]) => `${kind}\n  ${values.join("\n  ")}`);
  throw new Error(lines.join("\n"));
}

function report(what: string, count: number, seed: number, totals: object): void {
  process.stdout.write(`${what}: ${String(count)} of seed ${String(seed)} ok\n${inspect(totals)}\n`);
}
