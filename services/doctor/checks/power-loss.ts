/** What a power failure costs: replicas, and how soon the server flushes to its disk. */
import type { Finding } from "../finding.js";

export interface PowerLossFacts {
  readonly replicas: number;
  readonly serverVersion: string;
  /** How the server flushes; a text says why that is not known. */
  readonly sync: { readonly always: boolean; readonly intervalMs: number | undefined } | string;
}

/** Servers before this flush once a minute and cannot be told otherwise. */
const SYNC_INTERVAL_SINCE = { major: 2, minor: 10 };

export function checkPowerLoss({ replicas, serverVersion, sync }: PowerLossFacts): Finding[] {
  if (replicas >= 3) return [];
  const finding = (value: string, problem: string): Finding => ({
    level: "info",
    setting: "sync_interval of the NATS server",
    value,
    limit: "always, or STREAM_REPLICAS=3",
    problem,
    why: "records whose frame was confirmed but not flushed are lost when the power fails; a process that is killed loses none",
  });
  const [major = 0, minor = 0] = serverVersion.split(".").map(Number);
  const { major: sinceMajor, minor: sinceMinor } = SYNC_INTERVAL_SINCE;
  if (major < sinceMajor || (major === sinceMajor && minor < sinceMinor)) {
    return [
      finding("60 s", `nats-server ${serverVersion} flushes once a minute and has no sync_interval to set`),
    ];
  }
  if (typeof sync === "string") return [finding("", `not checked: ${sync}`)];
  if (sync.always) return [];
  const interval = sync.intervalMs === undefined ? "every 2 min by default" : `${String(sync.intervalMs)} ms`;
  return [finding(interval, "the server flushes to its disk only now and then")];
}
