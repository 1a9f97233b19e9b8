/** Malformed input in the numbers that a release must stand; `npm run fuzz` takes others. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../fuzz/fuzz.js", import.meta.url));
const counts = ["--messages", "1000000", "--engines", "20000", "--settings", "100000"];
const { status } = spawnSync(process.execPath, [program, ...counts, "--seed", "1"], { stdio: "inherit" });
process.exitCode = status === 0 ? 0 : 1;
