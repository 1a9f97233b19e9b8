import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Where a nats-server listens, as it wrote itself. */
export interface Ports {
  /** For clients. */
  readonly nats: number;
  /** Of the monitoring endpoint; undefined if its configuration asks for none. */
  readonly monitoring: number | undefined;
}

/**
 * Reads what a nats-server with `ports_file_dir: folder` wrote once it listened. The server names
 * the file after its own program file, so only the end of the name is known here: `_PID.ports`.
 *
 * @returns undefined while the file is absent or half-written
 */
export async function readPorts(folder: string, pid: number): Promise<Ports | undefined> {
  try {
    const name = (await readdir(folder)).find((one) => one.endsWith(`_${String(pid)}.ports`));
    if (name === undefined) return undefined;
    const urls = JSON.parse(await readFile(join(folder, name), "utf8")) as Partial<Record<string, string[]>>;
    const nats = portOf(urls.nats);
    return nats === undefined ? undefined : { nats, monitoring: portOf(urls.monitoring) };
  } catch {
    return undefined;
  }
}

function portOf(urls: readonly string[] | undefined): number | undefined {
  const port = Number(new URL(urls?.[0] ?? "tcp://none").port);
  return port > 0 ? port : undefined;
}
