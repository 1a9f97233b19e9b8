import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HISTORY_MS, History } from "../../../services/console/history.js";
import type { Status } from "../../../services/status/status-report.js";

const EPOCH_MS = 1_800_000_000_000;

function statusWith(counts: Partial<Pick<Status, "published" | "crunched" | "stored" | "parked">>): Status {
  const stage = { oldestUnackedSeconds: 1.5 };
  return {
    ...{ published: 0, crunched: 0, stored: 0, repeats: 0, parked: 0 },
    ...counts,
    data: stage,
    results: { oldestUnackedSeconds: 0.5 },
  } as unknown as Status;
}

/** A history of looks, each at a second of both clocks. */
function historyOf(
  looks: readonly (readonly [second: number, counts: Parameters<typeof statusWith>[0]])[],
): History {
  const history = new History();
  for (const [second, counts] of looks)
    history.add(statusWith(counts), EPOCH_MS + second * 1_000, second * 1_000);
  return history;
}

describe("the history of the console", () => {
  it("has the rates of the last five seconds, however far apart looks are", () => {
    const points = historyOf([
      [0, { published: 100 }],
      [1, { published: 300, crunched: 50 }],
      [5, { published: 1_100, crunched: 250, stored: 40 }],
      [6, { published: 1_100, crunched: 650, stored: 40 }],
      [60, { published: 6_500, crunched: 650, stored: 580 }],
    ]).after(0);

    assert.deepEqual(
      points.map(({ atMs, published, crunched, stored }) => [atMs - EPOCH_MS, published, crunched, stored]),
      [
        [0, null, null, null],
        [1_000, 200, 50, 0],
        [5_000, 200, 50, 8],
        [6_000, 160, 120, 8],
        [60_000, 100, 0, 10],
      ],
    );
    assert.deepEqual([points[2]?.dataSeconds, points[2]?.resultsSeconds], [1.5, 0.5]);
  });

  it("shows no negative rate where streams were made anew", () => {
    const [, point] = historyOf([
      [0, { published: 1_000 }],
      [1, { published: 10 }],
    ]).after(0);

    assert.equal(point?.published, 0);
  });

  it("keeps 15 minutes, whatever the clock of the machine does", () => {
    const looks = Array.from({ length: 2_000 }, (_, second) => [second, { published: second }] as const);
    const points = historyOf(looks).after(0);
    assert.equal(points.length, HISTORY_MS / 1_000 + 1);

    const stopped = new History();
    for (let look = 0; look < 5_000; look += 1) stopped.add(statusWith({}), EPOCH_MS, look * 1_000);
    assert.equal(stopped.after(0).length, 1_000);
  });

  it("gives a page only what it does not have yet", () => {
    const history = historyOf([
      [0, {}],
      [1, {}],
      [2, {}],
    ]);

    assert.deepEqual(
      history.after(EPOCH_MS + 1_000).map(({ atMs }) => atMs - EPOCH_MS),
      [2_000],
    );
  });

  it("tells from the counts how long ago what is done now was published", () => {
    const points = historyOf([
      [0, { published: 0 }],
      [10, { published: 1_000 }],
      [20, { published: 2_000, stored: 400, parked: 100 }],
      [30, { published: 2_000, stored: 1_900, parked: 100 }],
    ]).after(0);

    // The 500th was published in the middle of the first ten seconds.
    assert.deepEqual(
      points.map(({ pathSeconds }) => pathSeconds),
      [0, 10, 15, 0],
    );
  });

  it("does not tell it of records that were published before it looked", () => {
    const [first, second] = historyOf([
      [0, { published: 1_000, stored: 10 }],
      [1, { published: 1_000, stored: 20 }],
    ]).after(0);

    assert.deepEqual([first?.pathSeconds, second?.pathSeconds], [null, null]);
  });
});
