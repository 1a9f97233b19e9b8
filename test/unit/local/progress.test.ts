import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Progress } from "../../../services/local/progress.js";

const counts = { published: 60_000, expected: 100_000, crunched: 50_000, stored: 40_000, repeats: 0 };

/** A screen that remembers, and a clock that is set by hand. */
function fakeScreen(isTTY: boolean): {
  progress: Progress;
  written: string[];
  clock: { nowMs: number };
} {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const output = { isTTY, columns: 200, write: (text: string) => written.push(text) };
  return { progress: new Progress(output, () => clock.nowMs), written, clock };
}

describe("progress", () => {
  it("is a plain line every two seconds where there is no terminal", () => {
    const { progress, written, clock } = fakeScreen(false);
    for (clock.nowMs = 0; clock.nowMs <= 2_000; clock.nowMs += 500) {
      progress.update({ ...counts, stored: 40_000 + clock.nowMs * 10 });
    }
    progress.close();

    assert.deepEqual(written, [
      "  60,000 published, 50,000 crunched, 40,000 stored, 0 records/s\n",
      "  60,000 published, 50,000 crunched, 60,000 stored, 10,000 records/s\n",
    ]);
  });

  it("shows the rate of the last seconds and not of the whole run", () => {
    const { progress, written, clock } = fakeScreen(true);
    for (clock.nowMs = 0; clock.nowMs <= 60_000; clock.nowMs += 500) {
      progress.update({ ...counts, stored: Math.min(clock.nowMs, 30_000) });
    }

    assert.match(written.at(-1) ?? "", /30,000 stored, 0 records\/s$/);
  });

  it("is a bar in one line on a terminal, and removes it at the end", () => {
    const { progress, written } = fakeScreen(true);
    progress.update(counts);
    progress.close();
    progress.close();
    progress.update(counts);

    assert.deepEqual(written, [
      "\r\x1b[K  [########------------]  40 %  60,000 published, 50,000 crunched, 40,000 stored, 0 records/s",
      "\r\x1b[K",
    ]);
  });

  it("has no bar when the end of the source is unknown, and says repeats when there are some", () => {
    const { progress, written } = fakeScreen(true);
    progress.update({ ...counts, expected: undefined, repeats: 5 });

    assert.equal(
      written[0],
      "\r\x1b[K  60,000 published, 50,000 crunched, 40,000 stored, 5 repeats, 0 records/s",
    );
  });

  it("puts notes above the bar", () => {
    const { progress, written } = fakeScreen(true);
    progress.update({ ...counts, expected: undefined });
    progress.note("crunch-engine died");

    assert.match(written[1] ?? "", /^\r\x1b\[Kcrunch-engine died\n {2}60,000 published/);
  });
});
