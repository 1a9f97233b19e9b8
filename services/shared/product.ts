import { createRequire } from "node:module";

/** The version of data-crunch that runs. */
export const VERSION = String(
  (createRequire(import.meta.url)("../../../package.json") as { version: unknown }).version,
);
