import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UserError } from "../../../services/shared/errors.js";
import { MemoryMessaging } from "../../../services/shared/memory/memory-messaging.js";
import { reportStatus } from "../../../services/status/status.js";

const SERVER = 'NATS_URL="nats://n:4222"';

/** Streams that are silent `silences` times before they answer. */
function streams(silences: number): MemoryMessaging {
  const messaging = new MemoryMessaging();
  const answer = messaging.streamsLook.bind(messaging);
  let left = silences;
  messaging.streamsLook = (meanwhile) => {
    left -= 1;
    return left >= 0 ? Promise.reject(new Error("TIMEOUT")) : answer(meanwhile);
  };
  return messaging;
}

const outputTo = (lines: string[], signal: AbortSignal) => ({
  json: true,
  watch: false,
  isTerminal: false,
  out: (text: string) => lines.push(text),
  signal,
});

describe("crunch status", () => {
  it("asks again while the streams are silent, as while a cluster chooses its leaders", async () => {
    const lines: string[] = [];
    const code = await reportStatus(streams(1), SERVER, outputTo(lines, new AbortController().signal));
    assert.equal(code, 0);
    assert.equal((JSON.parse(lines.join("")) as { published: number }).published, 0);
  });

  it("says in one sentence that they stay silent", async () => {
    const ended = AbortSignal.abort();
    await assert.rejects(reportStatus(streams(9), SERVER, outputTo([], ended)), (thrown: unknown) => {
      assert.ok(thrown instanceof UserError);
      assert.equal(thrown.message, `${SERVER}: the streams do not answer: TIMEOUT`);
      return true;
    });
  });
});
