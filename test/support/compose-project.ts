import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { tempFolder } from "./temp-folder.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const LOOK_TIMEOUT_MS = 20_000;
const PULL_TIMEOUT_MS = 300_000;

/** What a Docker engine says of a container. */
export interface ContainerLook {
  readonly id: string;
  readonly ip: string;
  readonly isRunning: boolean;
  readonly exitCode: number;
  readonly startedAtMs: number;
}

/** The first Compose that is installed, or why there can be no project. */
export function findCompose(): { command: readonly string[] } | { problem: string } {
  if (!answers(["docker", "info"])) return { problem: "no Docker engine answers `docker info`" };
  const command = [["docker", "compose"], ["docker-compose"]].find((each) => answers([...each, "version"]));
  return command === undefined ? { problem: "Docker Compose is not installed" } : { command };
}

/** True if the engine has the image, or can get it. */
export function hasImage(image: string): boolean {
  return (
    answers(["docker", "image", "inspect", image]) ||
    spawnSync("docker", ["pull", "--quiet", image], { timeout: PULL_TIMEOUT_MS }).status === 0
  );
}

/** The repository's docker-compose.yml under a project name, images and ports of its own. */
export class ComposeProject {
  readonly name = `crunch-check-${String(process.pid)}`;
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #folder = tempFolder();
  readonly #files: readonly string[];

  /** @param images image of a service in place of the file's own */
  constructor(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    images: Readonly<Record<string, string>>,
  ) {
    this.#command = command;
    // Port 0: any that is free.
    const ports = { NATS_PORT: "0", CONSOLE_PORT: "0", PROMETHEUS_PORT: "0", GRAFANA_PORT: "0" };
    this.#env = { ...process.env, ...ports, IMAGE_TAG: "check", ...env };
    const override = join(this.#folder.path, "images.yml");
    const services = Object.entries(images).map(([service, image]) => [service, { image }] as const);
    if (services.length > 0) writeFileSync(override, stringify({ services: Object.fromEntries(services) }));
    this.#files = ["docker-compose.yml", ...(services.length > 0 ? [override] : [])];
  }

  /** @returns what it wrote on stdout @throws Error with its stderr when it fails */
  compose(...args: string[]): string {
    const files = this.#files.flatMap((file) => ["--file", file]);
    const [program = "", ...rest] = [...this.#command, "--project-name", this.name, ...files, ...args];
    return run(program, rest, this.#env);
  }

  /** A command line in the image `tools`, beside the services. */
  tools(...args: string[]): string {
    return this.compose("run", "--rm", "tools", ...args);
  }

  /** Also those that have ended. */
  containers(service: string): ContainerLook[] {
    const labels = [`com.docker.compose.project=${this.name}`, `com.docker.compose.service=${service}`];
    const ids = docker(
      "ps",
      "-aq",
      "--no-trunc",
      ...labels.flatMap((label) => ["--filter", `label=${label}`]),
    );
    return ids.split("\n").filter(Boolean).map(lookAt);
  }

  close(): void {
    this.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", "--timeout", "30");
    this.#folder.remove();
  }
}

/** @returns what docker wrote on stdout @throws Error with its stderr when it fails */
export function docker(...args: string[]): string {
  return run("docker", args, process.env);
}

/** @param container its id or name */
export function lookAt(container: string): ContainerLook {
  const [look] = JSON.parse(docker("inspect", container)) as [
    {
      Id: string;
      State: { Running: boolean; ExitCode: number; StartedAt: string };
      NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
    },
  ];
  return {
    id: look.Id,
    ip: Object.values(look.NetworkSettings.Networks)[0]?.IPAddress ?? "",
    isRunning: look.State.Running,
    exitCode: look.State.ExitCode,
    startedAtMs: Date.parse(look.State.StartedAt),
  };
}

function answers([program = "", ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore", timeout: LOOK_TIMEOUT_MS }).status === 0;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? `${stdout}\n${stderr}`.slice(-4_000)}`);
}
