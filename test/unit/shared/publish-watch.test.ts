import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PublishPauses } from "../../../services/shared/publish-watch.js";
import type { PublishNews } from "../../../services/shared/publish-watch.js";

/** News of looks every half second; `x` is blocked, `.` flows. */
function newsOf(looks: string): (PublishNews & { readonly atMs: number })[] {
  const pauses = new PublishPauses();
  return Array.from(looks).flatMap((look, index) => {
    const atMs = index * 500;
    const news = pauses.look(look === "x" ? "stream DATA is full" : undefined, atMs);
    return news === undefined ? [] : [{ ...news, atMs }];
  });
}

describe("pauses of publishing", () => {
  it("are told once at their start, with the reason, and once at their end, with their length", () => {
    assert.deepEqual(newsOf("..xxxxxx............"), [
      { kind: "paused", reason: "stream DATA is full", atMs: 2_000 },
      { kind: "resumed", pausedMs: 3_000, atMs: 9_000 },
    ]);
  });

  it("shorter than a second are nobody's business", () => {
    assert.deepEqual(newsOf("..xx...............xx..............."), []);
  });

  it("of a stream that flows and stops by turns are one pause", () => {
    assert.deepEqual(
      newsOf("xxx...xxx...x....x..................").map(({ kind }) => kind),
      ["paused", "resumed"],
    );
  });

  it("are told again when the next one comes", () => {
    assert.deepEqual(
      newsOf("xxxx............xxxx............").map(({ kind }) => kind),
      ["paused", "resumed", "paused", "resumed"],
    );
  });
});
