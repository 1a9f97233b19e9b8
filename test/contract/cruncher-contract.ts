import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadCruncher } from "../../services/crunch-engine/crunchers/index.js";
import { int64Of } from "../../services/crunch-engine/pool/message-cruncher.js";

export interface CruncherSamples {
  /** Data and its RData. */
  readonly answers: readonly (readonly [data: bigint, rData: bigint])[];
  /** Data that has no answer: crunching it must throw. */
  readonly refused: readonly bigint[];
}

/** What every cruncher in the tree must keep. */
export function cruncherContract(name: string, samples: CruncherSamples): void {
  const record = (data: bigint, id = 1n, meta = ""): { ID: bigint; Data: bigint; Meta: string } => ({
    ID: id,
    Data: data,
    Meta: meta,
  });

  describe(`cruncher ${name}`, () => {
    it("is loaded by its name and has a version", async () => {
      const cruncher = await loadCruncher(name);

      assert.equal(cruncher.name, name);
      assert.match(cruncher.version, /^\S+$/);
    });

    it("answers with the right int64", async () => {
      const { crunch } = await loadCruncher(name);

      for (const [data, expected] of samples.answers) {
        assert.equal(int64Of(await crunch(record(data))), expected, `Data=${String(data)}`);
      }
    });

    it("answers the same again, whatever it was asked in between and whatever ID and Meta are", async () => {
      const { crunch } = await loadCruncher(name);
      const ask = async (id: bigint, meta: string): Promise<unknown[]> => {
        const answers: unknown[] = [];
        for (const [data] of samples.answers) answers.push(await crunch(record(data, id, meta)));
        return answers;
      };

      assert.deepEqual(await ask(1n, ""), await ask(-5n, "meta"));
    });

    it("throws an error that names the value when there is no answer", async () => {
      const { crunch } = await loadCruncher(name);

      for (const data of samples.refused) {
        await assert.rejects(async () => crunch(record(data)), {
          name: "RangeError",
          message: new RegExp(`Data=${String(data)}:`),
        });
      }
    });
  });
}
