import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { UserError } from "../../shared/errors.js";
import type { PluginUri } from "../../shared/plugin-uri.js";

export const FILE_FORMATS = ["csv", "tsv", "json", "ndjson", "parquet"] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

const BY_EXTENSION: ReadonlyMap<string, FileFormat> = new Map([
  ["csv", "csv"],
  ["tsv", "tsv"],
  ["tab", "tsv"],
  ["json", "json"],
  ["ndjson", "ndjson"],
  ["jsonl", "ndjson"],
  ["parquet", "parquet"],
]);

/** A file that is there and can be read, and how it is written. */
export interface InputFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly format: FileFormat;
  readonly isGzip: boolean;
}

/** @throws UserError, without the name of the setting, when the file is absent, unreadable or of no known format */
export async function findFile(uri: PluginUri): Promise<InputFile> {
  const { path } = uri;
  if (path === "") fail("no path given, as in file:PATH?data=COL");
  const stats = await stat(path).catch((thrown: unknown) =>
    fail(`${path} cannot be read: ${reasonOf(thrown)}`),
  );
  if (!stats.isFile()) fail(`${path} is no file`);
  await access(path, constants.R_OK).catch((thrown: unknown) =>
    fail(`${path} cannot be read: ${reasonOf(thrown)}`),
  );
  const isGzip = path.toLowerCase().endsWith(".gz");
  const extension = /[.]([^./]+)(?:[.]gz)?$/.exec(path.toLowerCase())?.[1] ?? "";
  const given = uri.params.get("format");
  const format =
    given === undefined ? BY_EXTENSION.get(extension) : FILE_FORMATS.find((name) => name === given);
  if (format === undefined) {
    const what = given === undefined ? `extension "${extension}" of ${path}` : `format=${given}`;
    return fail(`${what} is none of ${FILE_FORMATS.join(", ")}; format= names the format of a file`);
  }
  if (isGzip && format === "parquet") fail(`${path}: Parquet is compressed inside and not read from .gz`);
  return { path, sizeBytes: stats.size, format, isGzip };
}

function fail(why: string): never {
  throw new UserError(why);
}

function reasonOf(thrown: unknown): string {
  const code = (thrown as NodeJS.ErrnoException).code ?? "unknown error";
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    ENOTDIR: "no such file",
    EACCES: "permission denied",
  };
  return words[code] ?? code;
}
