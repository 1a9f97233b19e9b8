/** What a person should know first: the worst at the top. */
import type { ConsoleLook } from "../console-look.js";
import type { Status } from "../../status/status-report.js";
import { count, many, percent, time } from "./format.js";
import type { Looked } from "./use-look.js";

/** `bad` needs somebody now, `warn` needs a look, `note` is good to know. */
export interface Finding {
  readonly level: "bad" | "warn" | "note";
  readonly text: string;
}

/** A stream that is fuller soon holds its publishers back. */
const NEARLY_FULL = 0.8;

export function findingsOf({ look, silentSinceMs }: Looked): readonly Finding[] {
  const findings: Finding[] = [];
  if (silentSinceMs !== undefined) {
    findings.push({ level: "bad", text: `The console does not answer since ${time(silentSinceMs)}` });
  }
  if (look === undefined) return findings;
  if (look.trouble !== null) findings.push({ level: "bad", text: troubleOf(look) });
  if (look.status === null) return findings;
  return [...findings, ...aboutRecords(look.status), ...aboutEngines(look.status)].sort(
    (a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level),
  );
}

const LEVELS: readonly Finding["level"][] = ["bad", "warn", "note"];

function troubleOf({ trouble, lookedUntilMs }: ConsoleLook): string {
  const age = lookedUntilMs === null ? "" : ` The figures are those of ${time(lookedUntilMs)}.`;
  const sentence = trouble ?? "";
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.${age}`;
}

function aboutRecords(status: Status): Finding[] {
  const findings: Finding[] = [];
  const parkedNow = Object.values(status.parkedNow).reduce((sum, records) => sum + records, 0);
  if (status.unaccounted > 0) {
    findings.push({
      level: "bad",
      text: `${many(status.unaccounted, "record")} lost: neither stored nor parked nor under way`,
    });
  }
  if (status.outstanding > 0 && status.drainSeconds === null) {
    findings.push({
      level: "warn",
      text: `Nothing moves: ${many(status.outstanding, "record")} outstanding`,
    });
  }
  if (status.late > 0) findings.push({ level: "warn", text: `${many(status.late, "record")} stored late` });
  if (parkedNow > 0) findings.push({ level: "warn", text: `${many(parkedNow, "record")} parked` });
  for (const [name, stage] of [
    ["DATA", status.data],
    ["RESULTS", status.results],
  ] as const) {
    if (stage.streamMaxBytes <= 0 || stage.streamBytes < NEARLY_FULL * stage.streamMaxBytes) continue;
    const full = percent(stage.streamBytes, stage.streamMaxBytes) ?? "";
    findings.push({ level: "warn", text: `${name} is ${full} full: what comes before it will pause` });
  }
  return findings;
}

function aboutEngines(status: Status): Finding[] {
  const findings: Finding[] = [];
  const isRunning = (service: string): boolean =>
    status.engines.some((engine) => engine.service === service && engine.state === "running");
  if (waits(status.data) && !isRunning("crunch-engine")) {
    findings.push({ level: "bad", text: "Records wait in DATA and no crunch-engine is running" });
  }
  if (waits(status.results) && !isRunning("results-engine")) {
    findings.push({ level: "bad", text: "Results wait in RESULTS and no results-engine is running" });
  }
  const gone = status.engines.filter(({ state }) => state === "missing");
  const [first] = gone;
  if (first === undefined) return findings;
  const text =
    gone.length === 1
      ? `${first.service} ${first.host} ${String(first.pid)} is gone: last heard at ${time(first.atMs)}`
      : `${count(gone.length)} engines are gone`;
  findings.push({ level: "warn", text });
  return findings;
}

function waits({ pendingMessages, unackedMessages }: Status["data"]): boolean {
  return pendingMessages + unackedMessages > 0;
}
