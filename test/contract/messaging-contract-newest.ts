/** What every implementation shows of the end of a stream. */
import assert from "node:assert/strict";
import { publish, textOf } from "./messaging-contract-kit.js";
import type { Check } from "./messaging-contract-kit.js";

export function newestContract(check: Check): void {
  check("shows the newest messages that a stream keeps, newest first, and takes none", async (messaging) => {
    assert.deepEqual(await messaging.newest("data", 3), []);
    for (const text of ["one", "two", "three", "four"]) await publish(messaging, text);
    await publish(messaging, "elsewhere", "results");

    const newest = await messaging.newest("data", 3);
    assert.deepEqual(
      newest.map(({ sequence, isFrame, payload }) => [sequence, isFrame, textOf(payload)]),
      [
        [4, false, "four"],
        [3, false, "three"],
        [2, false, "two"],
      ],
    );
    assert.equal((await messaging.backlog("data")).pendingMessages, 4);
  });

  check("reads up to the first frame, which alone carries many records", async (messaging) => {
    for (const text of ["one", "two"]) await publish(messaging, text, "results.frame");
    assert.deepEqual(
      (await messaging.newest("results", 3)).map(({ isFrame, payload }) => [isFrame, textOf(payload)]),
      [[true, "two"]],
    );
    await publish(messaging, "three", "results");

    const newest = await messaging.newest("results", 3);
    assert.deepEqual(
      newest.map(({ isFrame, payload }) => [isFrame, textOf(payload)]),
      [
        [false, "three"],
        [true, "two"],
      ],
    );
  });
}
