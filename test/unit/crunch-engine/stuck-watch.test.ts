import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Position } from "../../../services/crunch-engine/pool/progress.js";
import { LOADING, Progress } from "../../../services/crunch-engine/pool/progress.js";
import { StuckWatch } from "../../../services/crunch-engine/pool/stuck-watch.js";

describe("StuckWatch", () => {
  const stuck: Position[] = [];
  let watch: StuckWatch;
  let progress: Progress;
  beforeEach(() => {
    stuck.length = 0;
    mock.timers.enable({ apis: ["setInterval"] });
    watch = new StuckWatch({ timeoutMs: 1_000, loadTimeoutMs: 5_000 }, (_, position) => stuck.push(position));
    progress = new Progress();
    watch.add(progress);
  });
  afterEach(() => {
    watch.close();
    mock.timers.reset();
  });

  it("finds a record that takes longer than the timeout, not before", () => {
    progress.begin(3);
    progress.enterRecord(5);
    mock.timers.tick(1_000);
    assert.deepEqual(stuck, []);

    mock.timers.tick(200);
    assert.deepEqual(stuck, [{ threadId: 3, record: 5 }]);
  });

  it("finds a cruncher that takes longer to load than it may, not before", () => {
    progress.beginLoading(3);
    mock.timers.tick(5_000);
    assert.deepEqual(stuck, []);

    mock.timers.tick(200);
    assert.deepEqual(stuck, [{ threadId: 3, record: LOADING }]);
  });

  it("leaves a message alone whose records go on", () => {
    progress.begin(3);
    for (let record = 0; record < 10; record += 1) {
      progress.enterRecord(record);
      mock.timers.tick(900);
    }

    assert.deepEqual(stuck, []);
  });

  it("leaves a request alone that no thread has begun, or that is between records", () => {
    mock.timers.tick(10_000);
    progress.begin(3);
    mock.timers.tick(10_000);

    assert.deepEqual(stuck, []);
  });

  it("forgets what is removed", () => {
    progress.begin(3);
    progress.enterRecord(5);
    watch.remove(progress);
    mock.timers.tick(10_000);

    assert.deepEqual(stuck, []);
  });
});
