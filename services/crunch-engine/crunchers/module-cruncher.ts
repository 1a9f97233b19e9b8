import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError, messageOf } from "../../shared/errors.js";
import type { Cruncher, NamedCruncher } from "./cruncher.js";

/** Hex digits of a file's hash that stand for its version; 48 bits tell any two edits apart. */
const VERSION_DIGITS = 12;

/** True for what is meant as a file rather than a built-in's name. */
export function isModulePath(text: string): boolean {
  return /[/\\]/.test(text) || /\.[cm]?[jt]s$/.test(text);
}

/**
 * A user's module: its default export is the cruncher. Its version is the `version` it exports, else a
 * hash of the file itself, which does not see changes of modules that the file imports.
 *
 * @param text path, absolute or relative to the working directory
 * @throws UserError in one sentence: no such file, does not load, no function as default export
 */
export async function loadModuleCruncher(text: string): Promise<NamedCruncher> {
  const path = resolve(text);
  const setting = `CRUNCHER="${text}"`;
  if (!/\.m?js$/.test(path)) throw new UserError(`${setting}: must be a .mjs or .js file`);
  const hash = await hashOf(path, setting);
  const module = await load(path, setting);
  if (!("default" in module)) {
    throw new UserError(`${setting}: needs a default export, (record) => whole number`);
  }
  if (typeof module.default !== "function") {
    throw new UserError(`${setting}: its default export must be a function, not ${typeof module.default}`);
  }
  const version = "version" in module ? module.version : hash;
  if (typeof version !== "string" || version === "") {
    throw new UserError(`${setting}: its version export must be a text that is not empty`);
  }
  return { name: basename(path), version, crunch: module.default as Cruncher };
}

async function hashOf(path: string, setting: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    return createHash("sha256").update(bytes).digest("hex").slice(0, VERSION_DIGITS);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw new UserError(`${setting}: there is no file ${path}`);
    if (code === "EISDIR") throw new UserError(`${setting}: ${path} is a folder, not a file`);
    throw new UserError(`${setting}: cannot be read: ${messageOf(thrown)}`);
  }
}

async function load(path: string, setting: string): Promise<object> {
  try {
    return (await import(pathToFileURL(path).href)) as object;
  } catch (thrown) {
    const kind = thrown instanceof Error ? `${thrown.name}: ` : "";
    const message = messageOf(thrown).replace(/\s+/g, " ");
    throw new UserError(`${setting}: cannot be loaded${lineOf(thrown, path)}: ${kind}${message}`);
  }
}

/** Where in the file the error is, as far as can be told. */
function lineOf(thrown: unknown, path: string): string {
  // The stack of a syntax error does not say where; node's own check of the file does.
  const isSyntax = thrown instanceof SyntaxError;
  const text = isSyntax
    ? spawnSync(process.execPath, ["--check", path], { encoding: "utf8" }).stderr
    : ((thrown as Error | null)?.stack ?? "");
  for (const place of [pathToFileURL(path).href, path]) {
    const start = text.indexOf(`${place}:`);
    const line = start < 0 ? undefined : /^\d+/.exec(text.slice(start + place.length + 1))?.[0];
    if (line !== undefined) return ` (line ${line})`;
  }
  return "";
}
