import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCrunchSettings } from "../../../services/crunch-engine/config.js";
import { readDataSettings } from "../../../services/data-engine/config.js";
import {
  checkCrunchEngine,
  checkDataEngine,
  checkResultsEngine,
  warnAtStart,
} from "../../../services/doctor/at-start.js";
import type { Finding } from "../../../services/doctor/finding.js";
import { readResultsSettings } from "../../../services/results-engine/config.js";
import type { Logger } from "../../../services/shared/logger.js";

const server = { id: "S", version: "2.9.10", maxPayloadBytes: 1_048_576 };

function told(findings: readonly Finding[]): string[] {
  const lines: string[] = [];
  warnAtStart(findings, { warn: (_: unknown, line: string) => lines.push(line) } as unknown as Logger);
  return lines;
}

describe("an engine that starts", () => {
  it("says nothing about the defaults, on an old server either", () => {
    assert.deepEqual(told(checkDataEngine(readDataSettings({}), server)), []);
    assert.deepEqual(told(checkCrunchEngine(readCrunchSettings({}), server)), []);
    assert.deepEqual(told(checkResultsEngine(readResultsSettings({}), server)), []);
  });

  it("warns of a server that loses records of streams with copies", () => {
    const settings = readDataSettings({ STREAM_REPLICAS: "3" });
    assert.match(told(checkDataEngine(settings, server)).join(""), /^nats-server=2\.9\.10: .*drift apart/);
  });

  it("warns in one line of each setting that the doctor would warn of", () => {
    const env = { RESEND_AFTER_MS: "5000", CRUNCH_MAX_IN_FLIGHT: "60000", RESULTS_MAX_IN_FLIGHT: "60000" };
    assert.deepEqual(
      told(checkCrunchEngine(readCrunchSettings(env), server)).map((line) => line.split("=")[0]),
      ["RESEND_AFTER_MS", "CRUNCH_MAX_IN_FLIGHT"],
    );
    assert.deepEqual(
      told(checkResultsEngine(readResultsSettings(env), server)).map((line) => line.split("=")[0]),
      ["RESEND_AFTER_MS", "RESULTS_MAX_IN_FLIGHT"],
    );
    const small = { ...server, maxPayloadBytes: 65_536 };
    assert.deepEqual(
      told(checkDataEngine(readDataSettings({}), small)).map((line) => line.split("=")[0]),
      ["FRAME_MAX_BYTES", "MAX_RECORD_BYTES"],
    );
  });

  it("warns of a server that is known to lose streams", () => {
    const [line] = told(checkDataEngine(readDataSettings({}), { ...server, version: "2.10.21" }));
    assert.match(line ?? "", /^nats-server=2\.10\.21: .*lose a whole stream/);
  });
});
