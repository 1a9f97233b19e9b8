import { createReadStream } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDb } from "../../../shared/duckdb.js";
import { UserError, messageOf } from "../../../shared/errors.js";

/** Held open by the process whose spool it is: the lock of its file ends with the process, however it ends. */
const LOCK = "lock.duckdb";

/** A folder of files, each there whole and on disk or not at all. One process owns it. */
export class Spool {
  readonly #folder: string;
  readonly #lock: DuckDb;

  private constructor(folder: string, lock: DuckDb) {
    this.#folder = folder;
    this.#lock = lock;
  }

  /** @throws UserError when the folder cannot be made or another process owns it */
  static async open(folder: string, setting: string): Promise<Spool> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (thrown) {
      throw new UserError(`${setting}: the spool ${folder} cannot be made (${messageOf(thrown)})`);
    }
    return new Spool(folder, await DuckDb.openFile(join(folder, LOCK), setting));
  }

  /** Names of the files with this ending, in order. */
  async names(ending: string): Promise<readonly string[]> {
    return (await readdir(this.#folder)).filter((name) => name.endsWith(ending)).sort();
  }

  /** Resolves when the pieces are on disk as the file `name`, in the place of one before. */
  async write(name: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const path = join(this.#folder, name);
    const file = await open(`${path}.part`, "w");
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.part`, path);
    await this.#syncFolder();
  }

  /** @returns undefined if there is no such file */
  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.#folder, name));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw thrown;
    }
  }

  /** The bytes from `start` to before `end`. */
  range(name: string, start: number, end: number): AsyncIterable<Buffer> {
    return createReadStream(join(this.#folder, name), { start, end: end - 1 });
  }

  /** Idempotent. */
  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }

  /** Idempotent. */
  close(): void {
    this.#lock.close();
  }

  /** Without it the name of a new file may be lost with the power. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
