import { readFile } from "node:fs/promises";

/** Linux counts a process' time in these, whatever its clock is. */
const MS_PER_TICK = 10;

/** CPU time that a process has taken with all its threads, in milliseconds; undefined once it is gone. */
export async function cpuMsOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, "utf8").catch(() => undefined);
  // After the name, which may hold blanks: user and system time are the 12th and 13th.
  const [user, system] =
    stat
      ?.slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13) ?? [];
  if (user === undefined || system === undefined) return undefined;
  return (Number(user) + Number(system)) * MS_PER_TICK;
}
