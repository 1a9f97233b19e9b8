import { readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";

/** One process for ever, although its pid may be given to another after it ended. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, as the system tells it; only compared. */
  readonly startedAt: string;
}

/** Identity of a running process; undefined when there is none, or only its remains are left. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? fromProc(pid) : fromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** True while that very process runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.startedAt === identity.startedAt;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and brackets. */
function fromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function fromPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
  });
  const [, state, startedAt] = /^(\S+)\s+(.+)$/m.exec(stdout) ?? [];
  return status !== 0 || state?.startsWith("Z") !== false ? undefined : startedAt?.trim();
}
