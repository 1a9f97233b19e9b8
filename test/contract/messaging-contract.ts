/** What every implementation of Messaging owes the engines. Called once per implementation. */
import { describe } from "node:test";
import { countingContract } from "./messaging-contract-counting.js";
import { consumingContract } from "./messaging-contract-consuming.js";
import { checksOf } from "./messaging-contract-kit.js";
import type { OpenMessaging } from "./messaging-contract-kit.js";
import { newestContract } from "./messaging-contract-newest.js";
import { publishingContract } from "./messaging-contract-publishing.js";
import { tracingContract } from "./messaging-contract-tracing.js";

export function messagingContract(name: string, open: OpenMessaging): void {
  describe(`${name} keeps the messaging contract`, { concurrency: true }, () => {
    publishingContract(checksOf(open));
    consumingContract(checksOf(open));
    countingContract(checksOf(open));
    newestContract(checksOf(open));
    tracingContract(checksOf(open));
  });
}
