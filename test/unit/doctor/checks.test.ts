import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkAckWait } from "../../../services/doctor/checks/ack-wait.js";
import { checkClock } from "../../../services/doctor/checks/clock.js";
import { checkDiskRoom } from "../../../services/doctor/checks/disk-room.js";
import { checkInFlight } from "../../../services/doctor/checks/in-flight.js";
import { checkPowerLoss } from "../../../services/doctor/checks/power-loss.js";
import { checkServerVersion } from "../../../services/doctor/checks/server-version.js";
import { checkSizes } from "../../../services/doctor/checks/sizes.js";
import type { Finding } from "../../../services/doctor/finding.js";

/** `level setting=value limit` of each finding. */
function brief(findings: readonly Finding[]): string[] {
  return findings.map(({ level, setting, value, limit }) => `${level} ${setting}=${value} ${limit}`.trim());
}

describe("the ack wait", () => {
  const facts = {
    resendAfterMs: 30_000,
    dedupeWindowMs: 600_000,
    crunchTimeoutMs: 20_000,
    batchMs: 200,
    lateAfterMs: 60_000,
  };

  it("is fine between what an outage takes and what is late", () => {
    assert.deepEqual(checkAckWait(facts), []);
  });

  it("warns below the time that a dead connection takes to heal", () => {
    assert.deepEqual(brief(checkAckWait({ ...facts, resendAfterMs: 9_999, crunchTimeoutMs: 5_000 })), [
      "warning RESEND_AFTER_MS=9999 at least 10000",
    ]);
    assert.deepEqual(checkAckWait({ ...facts, resendAfterMs: 10_000, crunchTimeoutMs: 5_000 }), []);
  });

  it("warns where a crash alone makes rows late, and names the highest value that does not", () => {
    assert.deepEqual(brief(checkAckWait({ ...facts, resendAfterMs: 59_800 })), [
      "warning RESEND_AFTER_MS=59800 at most 59799",
    ]);
    assert.deepEqual(checkAckWait({ ...facts, resendAfterMs: 59_799 }), []);
  });

  it("points at LATE_AFTER_MS where no ack wait would do", () => {
    const [finding] = checkAckWait({ ...facts, lateAfterMs: 1_000 });
    assert.match(finding?.limit ?? "", /LATE_AFTER_MS=1000, which is the one to raise/);
  });

  it("warns where a result may be forgotten before its message comes again, and names the bound", () => {
    const late = { ...facts, lateAfterMs: 86_400_000 };
    assert.deepEqual(brief(checkAckWait({ ...late, resendAfterMs: 550_000 })), [
      "warning RESEND_AFTER_MS=550000 below 550000",
    ]);
    assert.deepEqual(checkAckWait({ ...late, resendAfterMs: 549_999 }), []);
  });

  it("only explains work that is longer than the ack wait, as heartbeats extend that", () => {
    const [finding, ...more] = checkAckWait({ ...facts, batchMs: 30_200, lateAfterMs: 90_000 });
    assert.deepEqual([finding?.level, more], ["info", []]);
    assert.match(finding?.why ?? "", /heartbeats/);
  });
});

describe("messages in flight", () => {
  const facts = {
    resultsMaxInFlight: 512,
    batchMaxRows: 100_000,
    frameMaxRecords: 2_048,
    crunchMaxInFlight: 64,
    maxAckPending: 20_000,
  };

  it("are enough by default", () => {
    assert.deepEqual(checkInFlight(facts), []);
  });

  it("are too few where no batch can be filled; the value named is enough", () => {
    assert.deepEqual(brief(checkInFlight({ ...facts, resultsMaxInFlight: 97 })), [
      "warning RESULTS_MAX_IN_FLIGHT=97 at least 98",
    ]);
    assert.deepEqual(checkInFlight({ ...facts, resultsMaxInFlight: 98 }), []);
  });

  it("are too many where one engine may hold all that is handed out", () => {
    assert.deepEqual(brief(checkInFlight({ ...facts, crunchMaxInFlight: 10_001 })), [
      "warning CRUNCH_MAX_IN_FLIGHT=10001 at most 10000",
    ]);
    assert.deepEqual(checkInFlight({ ...facts, crunchMaxInFlight: 10_000 }), []);
  });
});

describe("sizes", () => {
  it("leave room for headers below max_payload", () => {
    const sizes = { maxPayloadBytes: 901_024, frameMaxBytes: 131_072, maxRecordBytes: 900_000 };
    assert.deepEqual(checkSizes(sizes), []);
    const found = checkSizes({ ...sizes, maxPayloadBytes: 901_023 });
    assert.deepEqual(
      found.map(({ level, setting }) => [level, setting]),
      [["error", "MAX_RECORD_BYTES"]],
    );
    assert.match(found[0]?.limit ?? "", /^at most 899999 /);
    assert.equal(checkSizes({ ...sizes, maxPayloadBytes: 100_000 }).length, 2);
  });
});

describe("the version of the NATS server", () => {
  const levels = (version: string): string =>
    checkServerVersion(version, 1)
      .map(({ level }) => level)
      .join(" ");

  for (const version of ["2.12.15", "2.14.5", "2.14.99", "2.15.0-dev", "3.0.0"]) {
    it(`${version} is fine`, () => assert.equal(levels(version), ""));
  }
  for (const version of ["2.12.14", "2.14.4", "2.11.17", "2.13.0", "2.10.28"]) {
    it(`${version} is a warning`, () => assert.equal(levels(version), "warning"));
  }
  for (const version of ["2.10.20", "2.10.22"]) {
    it(`${version} may lose a stream, which is an error`, () => assert.match(levels(version), /^error/));
  }

  it("2.9.10 is a list of warnings with its CVEs, and no error", () => {
    assert.match(levels("2.9.10"), /^warning( warning)+$/);
    const text = JSON.stringify(checkServerVersion("2.9.10", 1));
    for (const known of ["CVE-2023-47090", "CVE-2025-30215", "disk is full"]) assert.ok(text.includes(known));
    assert.ok(!JSON.stringify(checkServerVersion("2.9.25", 1)).includes("disk is full"));
  });

  it("2.9.10 loses records in a cluster, which is an error where streams have copies", () => {
    const [finding] = checkServerVersion("2.9.10", 3);
    assert.equal(finding?.level, "error");
    assert.match(finding.problem, /drift apart/);
    assert.deepEqual(checkServerVersion("2.14.5", 3), []);
  });

  it("that nobody can read is said to be unknown, not fine", () => {
    assert.equal(levels("custom"), "info");
    assert.equal(levels(""), "info");
  });
});

describe("power loss", () => {
  it("is covered by three replicas or by flushing always, and by nothing else", () => {
    const facts = { replicas: 1, serverVersion: "2.12.15", sync: { always: false, intervalMs: 120_000 } };
    assert.deepEqual(checkPowerLoss({ ...facts, replicas: 3 }), []);
    assert.deepEqual(checkPowerLoss({ ...facts, sync: { always: true, intervalMs: undefined } }), []);
    assert.deepEqual(brief(checkPowerLoss(facts)), [
      "info sync_interval of the NATS server=120000 ms always, or STREAM_REPLICAS=3",
    ]);
  });

  it("is said to be unchecked where the monitoring port is silent, and known for old servers", () => {
    const [unknown] = checkPowerLoss({ replicas: 1, serverVersion: "2.10.0", sync: "no answer" });
    assert.match(unknown?.problem ?? "", /^not checked: no answer$/);
    const [old] = checkPowerLoss({ replicas: 1, serverVersion: "2.9.10", sync: "no answer" });
    assert.match(old?.problem ?? "", /once a minute/);
  });
});

describe("clock skew", () => {
  const of = (aheadMs: number, uncertaintyMs = 5): string =>
    brief(checkClock({ aheadMs, uncertaintyMs }, 60_000)).join();

  it("is fine as far as it cannot be told from the way of the answer", () => {
    assert.equal(of(505), "");
    assert.equal(of(-900, 400), "");
  });

  it("is a warning in either direction, and an error where every row would be late", () => {
    assert.match(of(600), /^warning .*=600 ms ahead of the NATS server within 500 ms$/);
    assert.match(of(-600), /^warning .*=600 ms behind the NATS server/);
    assert.match(of(-60_001), /^error /);
  });

  it("that could not be read is information with the reason", () => {
    const [finding] = checkClock("no permission", 60_000);
    assert.equal(finding?.level, "info");
    assert.match(finding.problem, /not checked.*no permission/);
  });
});

describe("disk room", () => {
  const facts = {
    sinkDisk: { folder: "/rows", freeBytes: 10_000 },
    storeDisk: { folder: "/store", freeBytes: 29_000 },
    storedBytes: 1_000,
    streamMaxBytes: 10_000,
    batchMaxBytes: 1_000,
  };

  it("is enough for three full streams, less what they hold, and for one stream of rows", () => {
    assert.deepEqual(checkDiskRoom(facts), []);
    assert.deepEqual(brief(checkDiskRoom({ ...facts, storedBytes: 999 })), [
      "warning STREAM_MAX_BYTES=10000 at most 9999",
    ]);
    assert.match(
      brief(checkDiskRoom({ ...facts, sinkDisk: { folder: "/rows", freeBytes: 9_999 } })).join(),
      /^warning disk of SINK \(\/rows\)=9999 bytes free at least 10000$/,
    );
  });

  it("is an error where not even two batches of rows fit", () => {
    const sinkDisk = { folder: "/rows", freeBytes: 1_999 };
    assert.match(brief(checkDiskRoom({ ...facts, sinkDisk })).join(), /^error disk of SINK/);
  });

  it("of a store on another machine is said to be unchecked", () => {
    const [finding] = checkDiskRoom({ ...facts, sinkDisk: undefined, storeDisk: "far away" });
    assert.deepEqual([finding?.level, finding?.problem], ["info", "not checked: far away"]);
  });
});
