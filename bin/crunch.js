#!/usr/bin/env node
// The command `crunch`: all of it lies in services/cli, compiled to dist.
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

// Before anything makes it grow: V8's young generation stays at 1 MiB in a results-engine. What comes and goes there
// lies outside of V8's heap; a grown one keeps 30 MiB, and garbage for longer.
if (process.argv[2] === "results") setFlagsFromString("--semi-space-growth-factor=1");

const compiled = new URL("../dist/services/cli/crunch.js", import.meta.url);
if (existsSync(compiled)) {
  const { main } = await import(compiled.href);
  process.exit(await main(process.argv.slice(2), process.env));
}
console.error("crunch is not built yet: run `npm run setup`");
process.exitCode = 2;
