import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { MALLOC_DEFAULTS, environmentOf } from "../../../services/local/engine-environment.js";
import type { EngineName } from "../../../services/local/engine-environment.js";

const engines = Object.keys(MALLOC_DEFAULTS) as EngineName[];
const textOf = (path: string): string =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

describe("the environment of an engine that the launcher starts", () => {
  it("has the settings of its engine over the user's, and the user's over how memory is allocated", () => {
    const own = environmentOf("results-engine", { SINK: "duckdb:a", DRAIN_MS: "1" }, { SINK: "duckdb:b" });
    assert.deepEqual(
      { sink: own.SINK, drainMs: own.DRAIN_MS, heaps: own.MALLOC_ARENA_MAX },
      { sink: "duckdb:b", drainMs: "1", heaps: "1" },
    );
    assert.equal(environmentOf("results-engine", { MALLOC_ARENA_MAX: "4" }, {}).MALLOC_ARENA_MAX, "4");
  });

  it("lets the launcher read the log, whatever the user sees of it", () => {
    const { LOG_FORMAT, LOG_LEVEL } = environmentOf(
      "data-engine",
      { LOG_FORMAT: "pretty", LOG_LEVEL: "error" },
      {},
    );
    assert.deepEqual({ LOG_FORMAT, LOG_LEVEL }, { LOG_FORMAT: "json", LOG_LEVEL: "info" });
    assert.equal(environmentOf("data-engine", { LOG_LEVEL: "debug" }, {}).LOG_LEVEL, "debug");
  });

  it("allocates memory as the image and the unit of the engine do", () => {
    const stages = textOf("build-push/Dockerfile").split(/^FROM /mu);
    for (const engine of engines) {
      const wanted = Object.entries(MALLOC_DEFAULTS[engine]).map(([name, value]) => `${name}=${value}`);
      const stage = stages.find((text) => text.split("\n")[0]?.endsWith(` AS ${engine}`)) ?? "";
      assert.deepEqual(stage.match(/MALLOC_\w+=\S+/gu) ?? [], wanted, `image of ${engine}`);
      const unit = textOf(`deploy-systemd/data-crunch-${engine}.service`);
      assert.deepEqual(unit.match(/MALLOC_\w+=\S+/gu) ?? [], wanted, `unit of ${engine}`);
    }
  });
});
