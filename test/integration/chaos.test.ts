import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { RunReport } from "../chaos/run.js";

const chaos = fileURLToPath(new URL("../chaos/chaos.js", import.meta.url));

describe("a short run of the chaos suite", () => {
  it("loses, doubles and alters nothing", () => {
    // However busy the machine is, all must come right; how soon is measured elsewhere.
    const args = ["--minutes", "0.2", "--seed", "9", "--rate", "500", "--max-recovery-ms", "600000"];
    const run = spawnSync(process.execPath, [chaos, ...args, "--json"], { encoding: "utf8" });
    assert.equal(run.status, 0, `${run.stderr}${run.stdout}`);
    const { ledger, faults } = JSON.parse(run.stdout) as RunReport;
    assert.ok(ledger.confirmed > 1_000, `${String(ledger.confirmed)} confirmed`);
    assert.ok(Object.keys(faults).length > 0, "no fault happened");
  });
});

describe("the command line of the chaos suite", () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [chaos, ...args], { encoding: "utf8" });

  it("prints the same plan for the same seed, and another for another", () => {
    const plans = ["5", "5", "6"].map((seed) => run("--plan", "--seed", seed).stdout);
    assert.match(plans[0] ?? "", /for \d+ ms/);
    assert.equal(plans[0], plans[1]);
    assert.notEqual(plans[0], plans[2]);
  });

  it("says in one sentence what is wrong with an option and exits with 2", () => {
    const { status, stderr } = run("--minutes", "none");
    assert.equal(status, 2);
    assert.equal(stderr, '--minutes="none": must be a number from 0.1 to 1440\n');
  });

  it("has no outage for a sink that is never away", () => {
    const { status, stderr } = run("--outage", "sink-away");
    assert.equal(status, 2);
    assert.equal(
      stderr,
      '--outage="sink-away": must be one of sink-refuses, sink-away, and is for --sink bigquery\n',
    );
  });
});
