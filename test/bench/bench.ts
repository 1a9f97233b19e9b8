/** `npm run bench`: every bench beside this file, one after the other. Arguments pick some by name. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const benches = readdirSync(folder)
  .filter((name) => name.endsWith(".bench.js"))
  .filter((name) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)))
  .sort();
for (const name of benches) {
  process.stdout.write(`\n== ${name.replace(".bench.js", "")}\n`);
  const { status } = spawnSync(process.execPath, ["--expose-gc", `${folder}${name}`], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
