// Bundles the command `crunch` for the images.
//
//   node build-push/bundle.mjs OUT_FOLDER
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPage } from "../services/console/page/build.mjs";
import { bundleCommand } from "./command-bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = process.argv[2];
if (out === undefined) {
  console.error("OUT_FOLDER is needed: node build-push/bundle.mjs OUT_FOLDER");
  process.exit(2);
}

await bundleCommand(join(out, "dist"), { "examples/sql": "examples/sql.ts" });
await buildPage(join(out, "dist"));
cpSync(join(root, "bin"), join(out, "bin"), { recursive: true });
cpSync(join(root, "LICENSE"), join(out, "LICENSE"));
const { name, version, license, type } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
mkdirSync(out, { recursive: true });
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify({ name, version, license, private: true, type })}\n`,
);
