import { readFile } from "node:fs/promises";

const KIB_PER_MIB = 1_024;

/** Memory of a process that is not swapped out, in MiB; 0 where the system does not tell. */
export async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / KIB_PER_MIB;
}
