import assert from "node:assert/strict";
import { it } from "node:test";
import * as z from "zod";
import { commonSettings, readSettings } from "../../../services/shared/config.js";
import { runEngine } from "../../../services/shared/engine.js";
import { until } from "../../support/until.js";

it("an engine that is done still takes SIGTERM, so that one that comes as it exits does not kill it", async () => {
  const settings = z.object(commonSettings);
  const code = await runEngine(
    {
      name: "data-engine",
      readSettings: (env) => readSettings(settings, env),
      run: () => Promise.resolve({}),
    },
    { LOG_LEVEL: "fatal" },
  );
  assert.equal(code, 0);

  let taken = 0;
  const count = (): void => void (taken += 1);
  process.once("SIGTERM", count);
  process.kill(process.pid, "SIGTERM");
  await until(() => taken === 1, 60_000, "SIGTERM");
  assert.ok(process.listenerCount("SIGTERM") > 0, "the engine itself takes it, not only this test");
});
