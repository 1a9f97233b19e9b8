// Bundles the command `crunch` for the images: what it needs of node_modules ends in a few files that lie
// where the compiled sources would, so that bin/crunch.js and package.json work unchanged beside them.
//
//   node build-push/bundle.mjs OUT_FOLDER
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildPage } from "../services/console/page/build.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const out = process.argv[2];
if (out === undefined) {
  console.error("OUT_FOLDER is needed: node build-push/bundle.mjs OUT_FOLDER");
  process.exit(2);
}

/** Threads are started by an address beside the file that starts them: a chunk, so all of them lie here. */
const CHUNKS = "services/cli";

await build({
  absWorkingDir: root,
  entryPoints: {
    [join(CHUNKS, "crunch")]: "services/cli/crunch.ts",
    "examples/sql": "examples/sql.ts",
    [join(CHUNKS, "crunch-thread")]: "services/crunch-engine/pool/crunch-thread.ts",
    [join(CHUNKS, "name-thread")]: "services/crunch-engine/pool/name-thread.ts",
    [join(CHUNKS, "worker")]: join(dirname(require.resolve("piscina")), "worker.js"),
  },
  outdir: join(out, "dist"),
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  bundle: true,
  // Chunks that are loaded only when they are used keep the start fast, and are shared between the threads' files.
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // Not minified: people read the stacks in logs and parked records, and an uncaught error prints its whole line.
  // Google's libraries look at names of classes, which a bundle may change otherwise.
  keepNames: true,
  legalComments: "linked",
  // Native code cannot be bundled; the other is an optional native part of piscina that no setting of ours uses.
  external: ["@duckdb/node-bindings", "@napi-rs/nice"],
  banner: {
    js: [
      'import { createRequire as bundleRequire } from "node:module";',
      "const require = bundleRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;",
    ].join("\n"),
  },
  logLevel: "warning",
});

await buildPage(join(out, "dist"));
cpSync(join(root, "bin"), join(out, "bin"), { recursive: true });
cpSync(join(root, "LICENSE"), join(out, "LICENSE"));
const { name, version, license, type } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
mkdirSync(out, { recursive: true });
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify({ name, version, license, private: true, type })}\n`,
);
