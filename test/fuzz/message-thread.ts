/** One thread's share of the malformed messages; says how many, or what is wrong. */
import { parentPort, workerData } from "node:worker_threads";
import { inspect } from "node:util";
import { fuzzMessages } from "./message-fuzz.js";
import type { MessageTotals } from "./message-fuzz.js";

export interface MessageShare {
  readonly count: number;
  readonly seed: number;
}

export type MessageReply = { readonly totals: MessageTotals } | { readonly failure: string };

// Every other message is refused with an error, and nobody looks at where it comes from.
Error.stackTraceLimit = 0;

const { count, seed } = workerData as MessageShare;
let reply: MessageReply;
try {
  reply = { totals: await fuzzMessages(count, seed) };
} catch (thrown) {
  reply = { failure: inspect(thrown) };
}
parentPort?.postMessage(reply);
