import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, it } from "node:test";
import { inFlightOf, readCrunchSettings } from "../../../services/crunch-engine/config.js";

describe("the settings of a crunch-engine", () => {
  it("crunch collatz on every core by default", () => {
    const settings = readCrunchSettings({});

    assert.equal(settings.CRUNCHER, "collatz");
    assert.equal(settings.THREADS, availableParallelism());
    assert.equal(settings.CRUNCH_TIMEOUT_MS, 60_000);
  });

  it("begin with 32 messages for each thread and go down to two where each takes long", () => {
    const inFlight = inFlightOf(readCrunchSettings({ THREADS: "10", CRUNCH_MAX_IN_FLIGHT: "3000" }));
    assert.deepEqual(inFlight, {
      maxInFlight: 3_000,
      maxInFlightBytes: 33_554_432,
      pace: { minInFlight: 20, holdMs: 1_000 },
    });
  });

  it("name every problem with its value and limit", () => {
    const wrong = { THREADS: "many", CRUNCH_TIMEOUT_MS: "0", THREAD_MAX_MEMORY_MB: "-5" };

    assert.throws(() => readCrunchSettings(wrong), {
      name: "UserError",
      message:
        /THREADS="many": must be a whole number from 0 to 1024[^]*CRUNCH_TIMEOUT_MS="0": .* from 10 [^]*THREAD_MAX_MEMORY_MB="-5"/,
    });
  });
});
