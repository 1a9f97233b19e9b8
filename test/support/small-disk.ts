/** A disk of a size of its own, which can be filled up: needs Linux and the right to mount. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class SmallDisk {
  readonly path: string;
  readonly #onExit = (): void => this.#unmount();

  private constructor(path: string) {
    this.path = path;
    // A test file that crashes leaves no mount behind.
    process.once("exit", this.#onExit);
  }

  /** @throws Error if this process may not mount; see {@link whyNoSmallDisk} */
  static mount(bytes: number): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), "crunch-disk-"));
    const why = run("mount", ["-t", "tmpfs", "-o", `size=${String(bytes)}`, "tmpfs", path]);
    if (why === undefined) return new SmallDisk(path);
    rmdirSync(path);
    throw new Error(why);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes all room but `leftBytes`, with a file of zeros that {@link heal} removes. */
  fill(leftBytes = 0): void {
    const bytes = Math.max(0, this.freeBytes - leftBytes);
    writeFileSync(join(this.path, "filler"), new Uint8Array(bytes));
  }

  /** Gives back what {@link fill} took. */
  heal(): void {
    rmSync(join(this.path, "filler"), { force: true });
  }

  resize(bytes: number): void {
    const why = run("mount", ["-o", `remount,size=${String(bytes)}`, this.path]);
    if (why !== undefined) throw new Error(why);
  }

  /** Idempotent. Whoever uses the disk must be gone. */
  remove(): void {
    this.#unmount();
    process.off("exit", this.#onExit);
    rmSync(this.path, { recursive: true, force: true });
  }

  #unmount(): void {
    run("umount", ["-l", this.path]);
  }
}

/** Why tests with small disks cannot run here, for `skip`; false if they can. */
export function whyNoSmallDisk(): string | false {
  try {
    SmallDisk.mount(1_048_576).remove();
    return false;
  } catch (thrown) {
    return `this process may not mount a small disk (${String(thrown)})`;
  }
}

/** @returns what it said if it failed */
function run(command: string, args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? undefined : (error?.message ?? stderr).trim();
}
