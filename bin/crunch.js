#!/usr/bin/env node
// The command `crunch`: all of it lies in services/cli, compiled to dist.
import { existsSync } from "node:fs";

const compiled = new URL("../dist/services/cli/crunch.js", import.meta.url);
if (existsSync(compiled)) {
  const { main } = await import(compiled.href);
  process.exit(await main(process.argv.slice(2), process.env));
}
console.error("crunch is not built yet: run `npm run setup`");
process.exitCode = 2;
