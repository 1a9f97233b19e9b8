import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RecordTally } from "../../../services/shared/record-tally.js";

/** A message: a single, or a frame with its number of records. */
const message = fc.option(fc.nat(9), { nil: undefined });

/** Stretches of messages, and for each how far of it is folded afterwards. */
const stretches = fc.array(
  fc.record({ messages: fc.array(message, { maxLength: 20 }), folded: fc.nat(20) }),
  {
    maxLength: 10,
  },
);

describe("RecordTally", () => {
  it("counts as one does who looks at every message, wherever it is folded and asked", () => {
    const property = fc.property(fc.nat(5), fc.nat(50), stretches, (before, records, all) => {
      const tally = new RecordTally({ upTo: before, records });
      /** Records up to each sequence, the base first. */
      const counts = [records];
      for (const { messages, folded } of all) {
        const frames = messages.flatMap((count, index) =>
          count === undefined ? [] : [{ sequence: tally.countedTo + 1 + index, records: count }],
        );
        for (const count of messages) counts.push((counts.at(-1) ?? 0) + (count ?? 1));
        tally.append(frames, tally.countedTo + messages.length);
        tally.fold(tally.base.upTo + folded);
        assert.equal(tally.countedTo, before + counts.length - 1);
        for (let sequence = tally.base.upTo; sequence <= tally.countedTo; sequence += 1) {
          assert.equal(tally.at(sequence), counts[sequence - before]);
        }
        assert.equal(tally.base.records, counts[tally.base.upTo - before]);
        assert.equal(tally.at(0), tally.base.records, "what is folded cannot be told apart");
        assert.equal(tally.at(tally.countedTo + 7), counts.at(-1), "what is not counted counts nothing");
      }
    });
    fc.assert(property);
  });
});
