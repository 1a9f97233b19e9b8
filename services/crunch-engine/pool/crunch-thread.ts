/** What runs inside a thread of the pool: piscina calls `crunch` with each request. */
import { threadId, workerData } from "node:worker_threads";
import { move, transferableSymbol, valueSymbol } from "piscina";
import { messageOf } from "../../shared/errors.js";
import { loadCruncher } from "../crunchers/index.js";
import { MessageCruncher } from "./message-cruncher.js";
import { Progress } from "./progress.js";
import type { ThreadReply, ThreadRequest, ThreadSettings } from "./thread-messages.js";

let loaded: Promise<MessageCruncher> | undefined;
let lastRequest: Promise<unknown> = Promise.resolve();

/**
 * Answers one request. The pool hands over the next request before this one is done, so that the
 * thread never waits for the main thread; they are still answered one after the other.
 */
export function crunch(request: ThreadRequest): Promise<unknown> {
  const reply = lastRequest.then(() => answer(request));
  lastRequest = reply.catch(() => undefined);
  return reply;
}

async function answer(request: ThreadRequest): Promise<unknown> {
  const progress = new Progress(request.progress);
  let cruncher: MessageCruncher;
  try {
    if (loaded === undefined) progress.beginLoading(threadId);
    // Not at the top of the file: a cruncher that ends its thread while loading must fail a request.
    cruncher = await (loaded ??= load(workerData as ThreadSettings));
  } catch (thrown) {
    return { type: "broken", error: messageOf(thrown) } satisfies ThreadReply;
  }
  if (request.type === "load") return { type: "loaded" } satisfies ThreadReply;
  progress.begin(threadId);
  return transferred(await cruncher.crunch(request, progress));
}

async function load(settings: ThreadSettings): Promise<MessageCruncher> {
  const cruncher = await loadCruncher(settings.cruncher);
  if (cruncher.version !== settings.version) {
    throw new Error(
      `CRUNCHER="${settings.cruncher}" is version ${cruncher.version} now and was ${settings.version} ` +
        "when the engine started; restart the engine to crunch with it",
    );
  }
  return new MessageCruncher(cruncher.crunch);
}

/** The reply with the memory of its results handed over instead of copied. */
function transferred(reply: ThreadReply): unknown {
  const results = reply.type === "crunched" ? reply.outcome.resultPayload : undefined;
  return results === undefined
    ? reply
    : move({ [transferableSymbol]: [results.buffer], [valueSymbol]: reply });
}
