import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkStreams } from "../../../services/doctor/checks/streams.js";
import type { StreamFacts } from "../../../services/doctor/checks/streams.js";
import type { StreamLook } from "../../../services/shared/nats/look.js";

const stream = (parts: Partial<StreamLook> = {}): StreamLook => ({
  name: "DATA",
  config: { maxBytes: 1_000, replicas: 1, bytes: 0 },
  differences: [],
  durable: { name: "crunch", ackWaitMs: 30_000, maxDeliver: -1 },
  strangers: [],
  ...parts,
});

const absent = stream({ config: undefined, durable: undefined });

function found(
  streams: readonly StreamLook[],
  parts: Partial<StreamFacts> = {},
  look: Partial<StreamFacts["look"]> = {},
): string[] {
  const facts: StreamFacts = {
    look: { streams, clusterName: undefined, account: { maxStorageBytes: -1 }, ...look },
    replicas: 1,
    maxBytes: 1_000,
    resendAfterMs: 30_000,
    ...parts,
  };
  return checkStreams(facts).map(({ level, setting, limit }) => `${level} ${setting} ${limit}`.trim());
}

describe("streams", () => {
  it("that are absent, or as the engines make them, are fine", () => {
    assert.deepEqual(found([absent, stream()]), []);
  });

  it("with settings that engines refuse are errors, each with what it must be", () => {
    const differences = [{ setting: "retention", value: "workqueue", wanted: "limits" }];
    assert.deepEqual(found([stream({ differences })]), ["error NATS stream DATA: retention limits"]);
  });

  it("need a cluster for copies, and copies in a cluster", () => {
    assert.deepEqual(found([absent], { replicas: 3 }), ["error STREAM_REPLICAS 1 without a cluster"]);
    assert.deepEqual(found([absent], {}, { clusterName: "c" }), ["warning STREAM_REPLICAS at least 3"]);
    assert.deepEqual(found([absent], { replicas: 3 }, { clusterName: "c" }), []);
  });

  it("must fit what the account has left; those that are there have their room", () => {
    const account = { maxStorageBytes: 2_500 };
    assert.deepEqual(found([stream(), absent, absent], {}, { account }), [
      "error STREAM_MAX_BYTES at most 750",
    ]);
    assert.deepEqual(found([stream(), stream(), stream()], {}, { account }), []);
    assert.deepEqual(found([stream(), absent, absent], {}, { account: undefined }), []);
  });

  it("that hold more than they may, or nearly that, are named", () => {
    const config = { maxBytes: 2_000, replicas: 1, bytes: 1_001 };
    assert.deepEqual(found([stream({ config })]), ["error STREAM_MAX_BYTES at least 1001"]);
    assert.deepEqual(found([stream({ config: { ...config, maxBytes: 1_000, bytes: 900 } })]), [
      "warning STREAM_MAX_BYTES",
    ]);
  });
});

describe("consumers", () => {
  it("with a limit of deliveries are warned of", () => {
    const durable = { name: "crunch", ackWaitMs: 30_000, maxDeliver: 5 };
    assert.deepEqual(found([stream({ durable })]), ["warning NATS consumer crunch of DATA: max_deliver -1"]);
  });

  it("that are not ours matter while they are behind, as they hold back trimming", () => {
    assert.deepEqual(found([stream({ strangers: [{ name: "x", behindMessages: 0 }] })]), []);
    assert.deepEqual(found([stream({ strangers: [{ name: "x", behindMessages: 7 }] })]), [
      "warning NATS consumer x of DATA none of its own",
    ]);
  });

  it("with the settings of other engines are information", () => {
    const durable = { name: "crunch", ackWaitMs: 5_000, maxDeliver: -1 };
    assert.deepEqual(found([stream({ durable })]), ["info RESEND_AFTER_MS"]);
  });
});
