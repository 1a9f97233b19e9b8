/** `npm start`, twice, as a new user runs it: every flight is there once and every answer is the formula's. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { queryDuckDb } from "../support/duckdb-rows.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const { default: flightEmissions } = (await import(`${root}examples/flight-emissions.mjs`)) as {
  default: (record: { Data: bigint }) => number;
};

for (const run of ["first", "second"]) {
  const { status, stdout } = spawnSync("npm", ["start"], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /stored +3,000,000\n/);
  assert.match(stdout, /outstanding +0\n/);
  process.stdout.write(`${run} run: ${/[\d,]+ records\/s/.exec(stdout)?.[0] ?? "no rate"}\n`);

  const path = `${root}crunch.duckdb`;
  const [row] = await queryDuckDb(path, "select count(*) n, count(distinct ID) ids from results");
  assert.deepEqual(row, { n: 3_000_000n, ids: 3_000_000n });
  const answers = await queryDuckDb(path, "select distinct Data, RData from results");
  for (const { Data, RData } of answers as { Data: bigint; RData: bigint }[]) {
    assert.equal(RData, BigInt(flightEmissions({ Data })), `the answer for ${Data} miles`);
  }
}
process.stdout.write("2 passed, 0 failed\n");
