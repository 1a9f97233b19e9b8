// Compiles the sources to dist, the page of the console with them, and bundles the command, so that it starts fast.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCommand } from "../build-push/command-bundle.mjs";
import { buildPage } from "../services/console/page/build.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = "services/console/page/tsconfig.json";

for (const project of ["tsconfig.json", page]) {
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}
await buildPage(join(root, "dist"));
// Over the compiled services/cli/crunch.js, which would do the same by some hundred files.
await bundleCommand(join(root, "dist"));
