/** What `crunch parked` does, over one connection each time. */
import { hostname } from "node:os";
import { EngineError, UserError, messageOf } from "../shared/errors.js";
import { connectNats } from "../shared/nats/connection.js";
import type { NatsMessaging } from "../shared/nats/nats-messaging.js";
import type { ParkedEntry } from "../shared/parked-store.js";
import type { ParkedSettings } from "./config.js";
import { drop } from "./drop.js";
import type { ParkedFilter } from "./parked-filter.js";
import { LIST_HEAD, listJson, listLine, showJson, showText } from "./parked-lines.js";
import { replay } from "./replay.js";
import type { ReplayCounts } from "./replay.js";
import { checkIsMeant, selected } from "./selection.js";

/** Where a command writes, and how. */
export interface ParkedOutput {
  readonly json: boolean;
  /** The answer. */
  readonly out: (text: string) => void;
  /** Beside the answer. */
  readonly note: (line: string) => void;
}

/** While a replay is held back for longer, it says why. */
const TELL_BLOCK_EVERY_MS = 5_000;

/** @returns the exit code: 0, or 1 when the connection broke in the middle */
export async function listParked(
  settings: ParkedSettings,
  filter: ParkedFilter,
  output: ParkedOutput,
): Promise<number> {
  return await connected(settings, output, async ({ parkedStore }) => {
    let shown = 0;
    // One more than asked for, to know whether there is more.
    for await (const entry of selected(parkedStore, { ...filter, limit: filter.limit + 1 })) {
      if (shown === filter.limit) {
        output.note(`there is more: --limit=${String(filter.limit)}`);
        break;
      }
      if (shown === 0 && !output.json) output.out(LIST_HEAD);
      shown += 1;
      output.out(output.json ? listJson(entry) : listLine(entry));
    }
    if (shown === 0) output.note("nothing is parked that matches");
  });
}

/** @throws UserError when nothing is parked under the number */
export async function showParked(
  settings: ParkedSettings,
  filter: ParkedFilter,
  output: ParkedOutput,
): Promise<number> {
  return await connected(settings, output, async ({ parkedStore }) => {
    let found: ParkedEntry | undefined;
    for await (const entry of selected(parkedStore, filter)) found = entry;
    if (found === undefined) {
      throw new UserError(
        `SEQ="${[...filter.sequences].join()}": nothing is parked under this number (any more)`,
      );
    }
    output.out(output.json ? showJson(found) : showText(found));
  });
}

/** @throws UserError unless the filter, or `all`, says what is meant */
export async function replayParked(
  settings: ParkedSettings,
  filter: ParkedFilter,
  output: ParkedOutput,
  options: { readonly all: boolean },
): Promise<number> {
  checkIsMeant("replay", filter, options.all);
  return await connected(settings, output, async (messaging) => {
    const { parkedStore: store, publisher } = messaging;
    const look = setInterval(() => {
      const blockedBy = publisher.blockedBy();
      if (blockedBy !== undefined) output.note(`waiting: ${blockedBy}`);
    }, TELL_BLOCK_EVERY_MS);
    try {
      const lastHeaders = messaging.lastHeaders.bind(messaging);
      const counts = await replay({ store, publisher, lastHeaders }, filter);
      output.out(output.json ? `${JSON.stringify(counts)}\n` : replayText(counts));
    } finally {
      clearInterval(look);
    }
  });
}

/**
 * @param options.confirm asks a person; undefined when nobody is there to be asked
 * @throws UserError when nobody can be asked, or unless the filter or `all` says what is meant
 */
export async function dropParked(
  settings: ParkedSettings,
  filter: ParkedFilter,
  output: ParkedOutput,
  options: { readonly all: boolean; readonly confirm: ((question: string) => Promise<boolean>) | undefined },
): Promise<number> {
  checkIsMeant("drop", filter, options.all);
  const { confirm } = options;
  if (confirm === undefined) {
    throw new UserError("crunch parked drop: asks first, and there is no terminal to ask on: give --yes");
  }
  return await connected(settings, output, async ({ parkedStore }) => {
    const counts = await drop(parkedStore, filter, confirm);
    if (counts === undefined) {
      output.note("nothing was dropped");
      return;
    }
    const { dropped, records, missing } = counts;
    const text = `dropped ${String(dropped)} (${String(records)} records), not parked ${String(missing)}\n`;
    output.out(output.json ? `${JSON.stringify(counts)}\n` : text);
  });
}

function replayText({ replayed, alreadySent, skipped, failed, missing, notes }: ReplayCounts): string {
  const counts =
    `replayed ${String(replayed)}, already sent ${String(alreadySent)}, skipped ${String(skipped)}, ` +
    `failed ${String(failed)}, not parked ${String(missing)}\n`;
  return counts + notes.map((note) => `still parked: ${note}\n`).join("");
}

async function connected(
  settings: ParkedSettings,
  output: ParkedOutput,
  work: (messaging: NatsMessaging) => Promise<void>,
): Promise<number> {
  const messaging = await connectNats({
    url: settings.NATS_URL,
    access: settings,
    role: "console",
    namespace: settings.NAMESPACE,
    engineId: `${hostname()}-${String(process.pid)}-parked`,
    warn: (_details, message) => output.note(message),
  });
  try {
    await work(messaging);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    output.note(messageOf(thrown));
    return 1;
  } finally {
    await messaging.close();
  }
}
