import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openSource } from "../../../services/data-engine/sources/index.js";
import { MAX_CATCH_UP_MS } from "../../../services/data-engine/sources/pace.js";
import type { Clock } from "../../../services/data-engine/sources/pace.js";
import type { Source } from "../../../services/data-engine/sources/source.js";
import { openSyntheticSource } from "../../../services/data-engine/sources/synthetic-source.js";
import { parsePluginUri } from "../../../services/shared/plugin-uri.js";
import { sourceContract } from "../../contract/source-contract.js";
import { readRows } from "../../support/source-rows.js";

const open = (text: string): Promise<Source> => openSource(text, { lingerMs: 10 });

/** A clock on which sleeping takes exactly as long as asked, and no time in truth. */
class SleepingClock implements Clock {
  now = 1_000;
  readonly nowMs = (): number => this.now;
  readonly sleep = (ms: number): Promise<void> => {
    this.now += ms;
    return Promise.resolve();
  };
}

function openPaced(query: string, clock: Clock, lingerMs = 10): Promise<Source> {
  return openSyntheticSource(parsePluginUri("SOURCE", `synthetic:?${query}`), { lingerMs, clock });
}

sourceContract("synthetic:?count=5000", () => open("synthetic:?count=5000"));
sourceContract("synthetic: with a rate", () => openPaced("count=5000&rate=70000", new SleepingClock()));

describe("synthetic source", () => {
  it("numbers its records from 1 and keeps Data from 1 to 1,000,000", async () => {
    const { records } = await readRows(await open("synthetic:?count=100000"));
    assert.ok(records.every(([id], index) => id === BigInt(index + 1)));
    const data = records.map(([, value]) => value);
    assert.ok(data.every((value) => value >= 1n && value <= 1_000_000n));
    const mean = Number(data.reduce((sum, value) => sum + value, 0n)) / data.length;
    assert.ok(mean > 490_000 && mean < 510_000, `mean ${String(mean)}`);
    assert.ok(new Set(data).size > 90_000);
  });

  it("yields the same records for a seed in every version of this program", async () => {
    const { records } = await readRows(await open("synthetic:?count=3"));
    assert.deepEqual(records, [
      [1n, 717_293n, "sample-111"],
      [2n, 774_068n, "sample-919"],
      [3n, 272_733n, "sample-488"],
    ]);
  });

  it("yields other records for another seed", async () => {
    const one = await readRows(await open("synthetic:?count=1000&seed=1"));
    const two = await readRows(await open("synthetic:?count=1000&seed=2"));
    const same = one.records.filter(([, data], index) => data === two.records[index]?.[1]);
    assert.ok(same.length < 10);
  });

  it("goes beyond 2^32 records without repeating itself", async () => {
    const source = await open("synthetic:");
    const near = await readRows(source, 0, () => true);
    const far = await readRows(source, 2 ** 32, () => true);
    assert.equal(far.records[0]?.[0], 2n ** 32n + 1n);
    assert.notDeepEqual(
      far.records.map(([, data]) => data),
      near.records.map(([, data]) => data),
    );
  });

  it("never ends without a count, and says that it does not know one", async () => {
    const source = await open("synthetic:");
    assert.equal(source.expectedRecords, undefined);
    const { endPosition } = await readRows(source, 0, (rows) => rows.endPosition >= 100_000);
    assert.ok(endPosition >= 100_000);
  });

  it("keeps its rate over ten minutes, to the record", async () => {
    const clock = new SleepingClock();
    const source = await openPaced("rate=333", clock, 7);
    const startMs = clock.now;
    let position = 0;
    for await (const chunk of source.chunks(0, new AbortController().signal)) {
      position = chunk.endPosition;
      if (clock.now - startMs >= 600_000) break;
    }
    const expected = (333 * (clock.now - startMs)) / 1_000;
    assert.ok(Math.abs(position - expected) <= 3, `${String(position)} of ${String(expected)}`);
  });

  it("hands out less than one record a step, each when it is due", async () => {
    const clock = new SleepingClock();
    const source = await openPaced("rate=2&count=4", clock);
    const startMs = clock.now;
    const atMs: number[] = [];
    for await (const chunk of source.chunks(0, new AbortController().signal)) {
      assert.equal(chunk.ids.length, 1);
      atMs.push(clock.now - startMs);
    }
    assert.deepEqual(atMs, [10, 510, 1_010, 1_510]);
  });

  it("catches up after a pause, but never more than a second at once", async () => {
    const clock = new SleepingClock();
    const source = await openPaced("rate=1000", clock);
    const pauseMs = 3_600_000;
    let pausedAtMs = 0;
    let atOnce = 0;
    await readRows(source, 0, ({ chunks }) => {
      if (chunks.length === 5) {
        clock.now += pauseMs;
        pausedAtMs = clock.now;
      } else if (pausedAtMs > 0 && clock.now === pausedAtMs) {
        atOnce += chunks.at(-1)?.ids.length ?? 0;
      }
      return chunks.length > 200;
    });
    assert.ok(atOnce >= 900 && atOnce <= MAX_CATCH_UP_MS + 10, `${String(atOnce)} at once`);
  });

  it("cuts its steps at the same places when it starts again", async () => {
    const ends = async (from: number): Promise<number[]> => {
      const source = await openPaced("rate=12345&count=2000", new SleepingClock());
      return (await readRows(source, from)).chunks.map((chunk) => chunk.endPosition);
    };
    const whole = await ends(0);
    assert.ok(whole.length > 10);
    for (const from of whole) assert.deepEqual(await ends(from), whole.slice(whole.indexOf(from) + 1));
  });

  it("is told to stop while it waits for the next step", async () => {
    const stop = new AbortController();
    const source = await open("synthetic:?rate=1");
    const next = source.chunks(0, stop.signal)[Symbol.asyncIterator]().next();
    setImmediate(() => stop.abort());
    assert.equal((await next).done, true);
  });
});

describe("source nothing", () => {
  it("yields nothing until it is told to stop", async () => {
    const stop = new AbortController();
    const source = await open("nothing");
    let hasEnded = false;
    const next = source.chunks(0, stop.signal)[Symbol.asyncIterator]().next();
    const noticing = next.then(() => (hasEnded = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(hasEnded, false);
    stop.abort();
    await noticing;
    assert.equal((await next).done, true);
  });
});

describe("a wrong SOURCE is named in one sentence", () => {
  const cases: readonly [text: string, says: RegExp][] = [
    ["ftp:x", /^SOURCE="ftp:x": unknown scheme ftp; known are file, synthetic, nothing$/],
    ["constructor:x", /unknown scheme constructor/],
    ["numbers.csv", /^SOURCE="numbers\.csv": must look like/],
    ["nothing:x", /^SOURCE="nothing:x": nothing takes no path$/],
    ["nothing:?rate=1", /unknown parameter rate/],
    ["synthetic:?count=-1", /count=-1 must be a whole number from 0/],
    ["synthetic:?rate=0", /rate=0 must be a whole number from 1/],
    ["synthetic:?seed=x", /seed=x must be/],
    ["synthetic:?speed=1", /unknown parameter speed; synthetic: takes count, rate, seed/],
  ];
  for (const [text, says] of cases) {
    it(text, async () => {
      await assert.rejects(async () => open(text), { name: "UserError", message: says });
    });
  }
});
