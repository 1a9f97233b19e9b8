import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TableGate } from "../../../services/results-engine/sinks/bigquery/gate.js";
import { EngineError } from "../../../services/shared/errors.js";
import { ManualClock } from "../../support/manual-clock.js";

const never = new AbortController().signal;

function makeGate() {
  const clock = new ManualClock();
  const warnings: string[] = [];
  return { clock, warnings, gate: new TableGate(clock, (_details, message) => warnings.push(message)) };
}

/** A try after which the table took so many rows. */
function takes(gate: TableGate, rows: number) {
  return (pauses: number): Promise<void> => {
    gate.accepted(rows, pauses);
    return Promise.resolve();
  };
}

describe("the gate before the table", () => {
  it("lets tries through at once while open", async () => {
    const { gate, clock } = makeGate();

    assert.equal(await gate.run(() => Promise.resolve("sent"), never), "sent");
    assert.deepEqual(clock.waits, []);
  });

  it("stays closed on an answer to what was sent before it closed", async () => {
    const { gate, warnings } = makeGate();
    await gate.run((pauses) => {
      gate.pause("no rights");
      gate.accepted(5, pauses);
      return Promise.resolve();
    }, never);

    assert.deepEqual(gate.state(), { ok: false, detail: "no rights" });
    assert.equal(gate.acceptedRows, 5);

    await gate.run(takes(gate, 1), never);

    assert.equal(gate.state().ok, true);
    assert.equal(warnings.length, 1);
  });

  it("stays closed on an answer that took no row", async () => {
    const { gate } = makeGate();
    gate.pause("refused");

    await gate.run(takes(gate, 0), never);

    assert.equal(gate.state().ok, false);
  });

  it("lets the next in line go when one gives up, and no sooner than its turn", async () => {
    const { gate, clock } = makeGate();
    gate.pause("no rights");
    let answerFirst = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      answerFirst = resolve;
    });
    const order: string[] = [];
    const stopping = new AbortController();
    const one = gate.run(() => first.then(() => order.push("one")), never);
    const two = gate.run(() => Promise.resolve(order.push("two")), stopping.signal);
    const three = gate.run(() => Promise.resolve(order.push("three")), never);

    stopping.abort();
    await assert.rejects(two, (thrown) => thrown instanceof EngineError && thrown.action === "retry");
    assert.equal(clock.waits.length, 1);
    answerFirst();
    await Promise.all([one, three]);

    assert.deepEqual(order, ["one", "three"]);
  });

  it("passes on what a try throws and lets the next one have its turn", async () => {
    const { gate } = makeGate();
    gate.pause("no rights");

    await assert.rejects(
      gate.run(() => Promise.reject(new Error("broken")), never),
      /broken/,
    );
    assert.equal(await gate.run(() => Promise.resolve("next"), never), "next");
  });
});
