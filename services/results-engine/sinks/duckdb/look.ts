/** A DuckDB sink before it is opened: read only, and nothing is made. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DuckDb } from "../../../shared/duckdb.js";
import { UserError } from "../../../shared/errors.js";
import { checkTables } from "./prepare.js";
import { keepsFromStarting } from "../sink-look.js";
import type { SinkLook, SinkRemark } from "../sink-look.js";

/**
 * @param setting the setting with its value, for messages
 * @param path of the file, which may be absent
 * @param table its name
 */
export async function lookAtDuckDb(setting: string, path: string, table: string): Promise<SinkLook> {
  const folder = dirname(resolve(path));
  const remarks = [...lookAtFolder(folder), ...lookAtFile(path)];
  const isThere = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  if (remarks.length === 0 && isThere) remarks.push(...(await lookInside(setting, path, table)));
  return { remarks, folder: existsSync(folder) ? folder : undefined, deadlineMs: 0 };
}

function lookAtFolder(folder: string): SinkRemark[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return [keepsFromStarting(`there is no folder ${folder}`)];
  }
  // DuckDB makes files of its own beside the database.
  return isWritable(folder) ? [] : [keepsFromStarting(`the folder ${folder} is not writable for this user`)];
}

function lookAtFile(path: string): SinkRemark[] {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return [];
  if (!file.isFile()) return [keepsFromStarting(`${path} is no file`)];
  return isWritable(path) ? [] : [keepsFromStarting(`the file ${path} is not writable for this user`)];
}

async function lookInside(setting: string, path: string, table: string): Promise<SinkRemark[]> {
  let db: DuckDb | undefined;
  try {
    db = await DuckDb.openFileToRead(path, setting);
    await checkTables(db, table, setting);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return [keepsFromStarting(thrown.message.replace(`${setting}: `, ""))];
  } finally {
    db?.close();
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
