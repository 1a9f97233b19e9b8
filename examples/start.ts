/** `npm start`: three million US flights into grams of CO2 per seat, and what they add up to. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { printQuery } from "./print-query.js";

const TABLE = "crunch.duckdb";
const BUSIEST_ROUTES = `
  select Meta as route, count(*) as flights, round(sum(RData) / 1e6, 1) as "t CO2 of one seat on each"
  from results group by route order by sum(RData) desc limit 10`;

const crunch = fileURLToPath(new URL("../../bin/crunch.js", import.meta.url));
const flights = "node_modules/vega-datasets/data/flights-3m.parquet";
const args = [
  "up",
  ...["--source", `file:${flights}?data=distance&meta=origin || '-' || destination`],
  ...["--cruncher", "./examples/flight-emissions.mjs"],
  ...["--sink", `duckdb:${TABLE}`],
  "--fresh",
];
process.stdout.write(`> crunch ${args.map((arg) => (/[^\w./:-]/.test(arg) ? `"${arg}"` : arg)).join(" ")}\n`);
const { status } = spawnSync(process.execPath, [crunch, ...args, ...process.argv.slice(2)], {
  stdio: "inherit",
});
if (status === 0) {
  process.stdout.write("\nThe busiest routes by emissions:\n");
  await printQuery(TABLE, BUSIEST_ROUTES);
  process.stdout.write(`\nAsk it anything:\n  node dist/examples/sql.js ${TABLE} "from results limit 5"\n`);
}
process.exitCode = status ?? 1;
