import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempFolder } from "./temp-folder.js";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const RUN_TIMEOUT_MS = 120_000;
const POWEROFF_WITHIN_MS = 30_000;

/**
 * A systemd of its own, booted in a container over this machine's root file system: what is installed here is installed
 * there, what it writes stays in memory. The repository is at /data-crunch, where writing does not
 * change it; there is no network but loopback.
 */
export class SystemdContainer {
  /** Its root, as this machine sees it. */
  readonly root: string;
  readonly #folder: { readonly path: string; readonly remove: () => void };
  readonly #nspawn: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(folder: { path: string; remove: () => void }) {
    this.#folder = folder;
    this.root = join(folder.path, "root");
    const options = [
      "--boot",
      "--quiet",
      "--register=no",
      "--keep-unit",
      "--console=pipe",
      "--private-network",
    ];
    const mounts = [`--directory=${this.root}`, `--overlay=${repository}::/data-crunch`];
    const name = `--machine=crunch-check-${String(process.pid)}`;
    // Not the services of this machine: only what every unit needs.
    this.#nspawn = spawn("systemd-nspawn", [...options, ...mounts, name, "systemd.unit=basic.target"], {
      stdio: "ignore",
    });
    this.#ended = new Promise((resolve) => this.#nspawn.once("close", () => resolve()));
  }

  /** @returns a container that is booting, or why there can be none here */
  static open(natsServer: string): { container: SystemdContainer } | { problem: string } {
    if (process.getuid?.() !== 0) return { problem: "this needs root" };
    if (spawnSync("systemd-nspawn", ["--version"]).status !== 0) {
      return { problem: "systemd-nspawn is not installed" };
    }
    const folder = tempFolder();
    const problem = mountRoot(folder.path);
    if (problem !== undefined) {
      unmount(folder.path);
      folder.remove();
      return { problem };
    }
    const root = join(folder.path, "root");
    // Programs that lie in a home folder here are installed for the whole machine there.
    cpSync(process.execPath, join(root, "usr/local/bin/node"), { dereference: true });
    cpSync(natsServer, join(root, "usr/local/bin/nats-server"), { dereference: true });
    // Without an id, a first boot would enable what this machine does not.
    writeFileSync(join(root, "etc/machine-id"), `${randomUUID().replaceAll("-", "")}\n`);
    return { container: new SystemdContainer(folder) };
  }

  /** @throws Error when the container has ended */
  isBooted(): boolean {
    if (this.#nspawn.exitCode !== null) throw new Error("systemd-nspawn ended before systemd was there");
    return ["running", "degraded"].includes(this.ask("systemctl is-system-running").trim());
  }

  /** @returns what the shell command wrote on stdout @throws Error with all it wrote when it fails */
  run(command: string): string {
    const { status, stdout, stderr, error } = this.#enter(command);
    if (status === 0) return stdout;
    throw new Error(`${command}: ${error?.message ?? `${stdout}\n${stderr}`.slice(-4_000)}`);
  }

  /** @returns what the shell command wrote on stdout, however it ended */
  ask(command: string): string {
    return this.#enter(command).stdout;
  }

  async close(): Promise<void> {
    this.#enter("systemctl poweroff");
    const timer = setTimeout(() => this.#kill(), POWEROFF_WITHIN_MS);
    await this.#ended;
    clearTimeout(timer);
    unmount(this.#folder.path);
    this.#folder.remove();
  }

  /** All of it ends with the container's first process; without systemd-nspawn alone that one would live on. */
  #kill(): void {
    const leader = this.#leader();
    if (leader === undefined) this.#nspawn.kill("SIGKILL");
    else process.kill(Number(leader), "SIGKILL");
  }

  #enter(command: string): { status: number | null; stdout: string; stderr: string; error?: Error } {
    const leader = this.#leader();
    if (leader === undefined) return { status: null, stdout: "", stderr: "there is no systemd yet" };
    const args = ["--target", leader, "--all", "/bin/sh", "-c", command];
    return spawnSync("nsenter", args, { encoding: "utf8", timeout: RUN_TIMEOUT_MS });
  }

  /** The container's first process, a child of systemd-nspawn. */
  #leader(): string | undefined {
    const pid = String(this.#nspawn.pid);
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").find(Boolean);
    } catch {
      return undefined;
    }
  }
}

/** @returns why it cannot be mounted */
function mountRoot(folder: string): string | undefined {
  const memory = join(folder, "memory");
  mkdirSync(memory);
  mkdirSync(join(folder, "root"));
  const mount = (...args: string[]): string | undefined => {
    const { status, stderr, error } = spawnSync("mount", args, { encoding: "utf8" });
    return status === 0 ? undefined : (error?.message ?? stderr.trim());
  };
  const problem = mount("-t", "tmpfs", "tmpfs", memory);
  if (problem !== undefined) return problem;
  for (const name of ["upper", "work"]) mkdirSync(join(memory, name));
  const layers = `lowerdir=/,upperdir=${join(memory, "upper")},workdir=${join(memory, "work")}`;
  return mount("-t", "overlay", "overlay", "-o", layers, join(folder, "root"));
}

function unmount(folder: string): void {
  for (const name of ["root", "memory"]) spawnSync("umount", [join(folder, name)]);
}
