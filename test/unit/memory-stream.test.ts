/** The stream in memory against a plain model: any order of storing, taking, acking, redelivering and waiting. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryStream } from "../../services/shared/memory/memory-stream.js";
import type { StoredMessage } from "../../services/shared/memory/memory-stream.js";

const MAX_BYTES = 40;
const WINDOW_MS = 100;

/** What a stream owes: each stored message is pending, in hand, delayed or finished. */
class Model {
  nowMs = 0;
  lastSequence = 0;
  readonly bytesOf = new Map<number, number>();
  readonly pending = new Set<number>();
  readonly inHand = new Map<number, StoredMessage>();
  readonly delayed = new Map<number, number>();
  readonly ids = new Map<string, { sequence: number; atMs: number }>();

  get bytes(): number {
    return [...this.bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
  }
}

interface Real {
  readonly stream: MemoryStream;
}
type Step = fc.Command<Model, Real>;

function check(model: Model, { stream }: Real): void {
  assert.equal(stream.lastSequence, model.lastSequence);
  assert.deepEqual(
    stream.messages.map(({ sequence }) => sequence),
    [...model.bytesOf.keys()],
  );
  assert.equal(stream.pendingMessages, model.pending.size);
  assert.equal(stream.unackedMessages, model.inHand.size + model.delayed.size);
}

const step = (
  name: string,
  run: (model: Model, real: Real) => void,
  isReady: (model: Model) => boolean = () => true,
): Step => ({
  check: isReady,
  run: (model, real) => {
    run(model, real);
    check(model, real);
  },
  toString: () => name,
});

const store = fc.record({ id: fc.constantFrom("a", "b", "c", "d"), bytes: fc.integer({ min: 1, max: 25 }) });
const steps = [
  store.map(({ id, bytes }) =>
    step(`store ${id} of ${String(bytes)}`, (model, { stream }) => {
      const outcome = stream.store("data", id, new Uint8Array(bytes), {});
      const known = model.ids.get(id);
      if (known !== undefined && model.nowMs - known.atMs < WINDOW_MS) {
        assert.deepEqual(outcome, { sequence: known.sequence, duplicate: true });
      } else if (model.bytesOf.size > 0 && model.bytes + bytes > MAX_BYTES) {
        assert.equal(outcome, undefined, "stored without room");
      } else {
        model.lastSequence += 1;
        assert.deepEqual(outcome, { sequence: model.lastSequence, duplicate: false });
        model.ids.set(id, { sequence: model.lastSequence, atMs: model.nowMs });
        model.bytesOf.set(model.lastSequence, bytes);
        model.pending.add(model.lastSequence);
      }
    }),
  ),
  fc.constant(
    step("take", (model, { stream }) => {
      const taken = stream.take();
      const due = [...model.delayed].filter(([, dueMs]) => dueMs <= model.nowMs);
      if (taken === undefined) {
        assert.equal(model.pending.size + due.length, 0, "something was there to take");
        return;
      }
      const wasPending = model.pending.delete(taken.sequence);
      assert.ok(wasPending || (model.delayed.get(taken.sequence) ?? Infinity) <= model.nowMs);
      model.delayed.delete(taken.sequence);
      assert.ok(!wasPending || due.length === 0, "what comes again goes first");
      model.inHand.set(taken.sequence, taken);
    }),
  ),
  fc.nat().map((pick) =>
    step(
      "ack",
      (model, { stream }) => {
        const message = [...model.inHand.values()][pick % model.inHand.size];
        if (message === undefined) return;
        stream.ack(message);
        model.inHand.delete(message.sequence);
        model.bytesOf.delete(message.sequence);
      },
      (model) => model.inHand.size > 0,
    ),
  ),
  fc.tuple(fc.nat(), fc.nat(80)).map(([pick, delayMs]) =>
    step(
      `redeliver after ${String(delayMs)} ms`,
      (model, { stream }) => {
        const message = [...model.inHand.values()][pick % model.inHand.size];
        if (message === undefined) return;
        stream.redeliver(message, delayMs);
        model.inHand.delete(message.sequence);
        model.delayed.set(message.sequence, model.nowMs + delayMs);
      },
      (model) => model.inHand.size > 0,
    ),
  ),
  fc.nat(60).map((ms) => step(`wait ${String(ms)} ms`, (model) => void (model.nowMs += ms))),
];

test("a stream in memory loses, doubles and forgets nothing in any order of events", () => {
  fc.assert(
    fc.property(fc.commands(steps, { maxCommands: 80, size: "max" }), (commands) => {
      fc.modelRun(() => {
        const model = new Model();
        return { model, real: { stream: new MemoryStream("DATA", MAX_BYTES, WINDOW_MS, () => model.nowMs) } };
      }, commands);
    }),
    { numRuns: 500 },
  );
});
