/** The process of `fixtures/duckdb-writer.ts` under test. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Rows of one batch. */
export const WRITER_ROWS = 1_000;

/** Batch after batch of new IDs, where every second row has an ID of the batch before. */
export function idOf(batch: number, row: number): bigint {
  const isRepeat = row % 2 === 1 && batch > 0;
  return BigInt((isRepeat ? batch - 1 : batch) * WRITER_ROWS + row - (isRepeat ? 1 : 0));
}

const fixture = fileURLToPath(new URL("fixtures/duckdb-writer.js", import.meta.url));

export class WriterProcess {
  readonly lines: string[] = [];
  readonly exited: Promise<unknown>;
  readonly #kill: (signal: NodeJS.Signals) => void;
  readonly pid: number;

  /** @param maxFileBytes larger files cannot be written, as on a full disk; no limit unless given */
  constructor(path: string, options: { metaBytes?: number; maxFileBytes?: number } = {}) {
    const { metaBytes = 0, maxFileBytes } = options;
    // The shell counts in blocks of 512 bytes.
    const limit = maxFileBytes === undefined ? "" : `ulimit -f ${String(Math.ceil(maxFileBytes / 512))}; `;
    const child = spawn(
      "sh",
      ["-c", `${limit}exec "$0" "$@"`, process.execPath, fixture, path, String(metaBytes)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(line));
    this.exited = new Promise((resolve) => child.once("close", resolve));
    this.#kill = (signal) => child.kill(signal);
    this.pid = child.pid ?? -1;
  }

  /** Batches that the sink said are stored. */
  get stored(): number {
    return this.lines.filter((line) => line.startsWith("stored")).length;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#kill(signal);
    await this.exited;
  }
}
