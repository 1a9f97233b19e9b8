import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineEvents } from "../../../services/console/engine-events.js";
import type { Status } from "../../../services/status/status-report.js";

type Engines = Status["engines"];

function engine(engineId: string, state: "running" | "missing" = "running"): Engines[number] {
  const fixed = {
    service: "crunch-engine",
    version: "1",
    host: "h",
    pid: 1,
    about: "",
    startedAtMs: 0,
    atMs: 0,
  };
  return { ...fixed, engineId, state };
}

describe("the comings and goings of engines", () => {
  it("are told from one look to the next, the newest first", () => {
    const events = new EngineEvents();
    const looks: readonly Engines[] = [
      [engine("a")],
      [engine("a"), engine("b")],
      [engine("a", "missing"), engine("b")],
      [engine("a"), engine("b")],
      [engine("a")],
    ];
    for (const [look, engines] of looks.entries()) events.add(engines, look);

    assert.deepEqual(
      events.events.map(({ atMs, engineId, what }) => `${String(atMs)} ${engineId} ${what}`),
      ["4 b left", "3 a back", "2 a missing", "1 b joined"],
    );
  });

  it("say once that an engine is gone, not again when its note is cleared away", () => {
    const events = new EngineEvents();
    for (const engines of [[engine("a")], [engine("a", "missing")], []]) events.add(engines, 1);

    assert.deepEqual(
      events.events.map(({ what }) => what),
      ["missing"],
    );
  });

  it("are bounded", () => {
    const events = new EngineEvents();
    for (let look = 0; look < 500; look += 1) events.add([engine(String(look))], look);

    assert.equal(events.events.length, 50);
    assert.equal(events.events[0]?.engineId, "498");
  });
});
