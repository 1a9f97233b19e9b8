// Builds the page of the console: one script, one style sheet, and the files that go as they are.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** @param {string} dist where `services/console/page/` of the compiled product lies */
export async function buildPage(dist) {
  const outdir = resolve(dist, "services/console/page");
  mkdirSync(outdir, { recursive: true });
  await build({
    absWorkingDir: here,
    entryPoints: { page: "main.tsx" },
    outdir,
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: ["chrome109", "firefox115", "safari16.4"],
    tsconfig: "tsconfig.json",
    legalComments: "eof",
    logLevel: "warning",
  });
  for (const name of ["index.html", "icon.svg"]) copyFileSync(join(here, name), join(outdir, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === undefined) {
    console.error("DIST_FOLDER is needed: node services/console/page/build.mjs DIST_FOLDER");
    process.exit(2);
  }
  await buildPage(process.argv[2]);
}
