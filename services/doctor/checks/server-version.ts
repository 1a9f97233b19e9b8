/** The version of the NATS server: what is known to be wrong with it. */
import type { Finding } from "../finding.js";

/** The oldest patch of each minor line that has the fixes we ask for; lines without one are out of support. */
const FLOORS: ReadonlyMap<string, number> = new Map([
  ["2.12", 15],
  ["2.14", 5],
]);
const NEWEST_KNOWN_MINOR = 14;
const FLOOR_TEXT = "2.12.15, 2.14.5 or newer";

interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** A fault that versions below (or within) a range have. */
interface KnownFault {
  readonly level: "error" | "warning";
  readonly from: string;
  readonly before: string;
  readonly problem: string;
  readonly why: string;
  /** Set for a fault of clusters only. */
  readonly isOfReplicas?: true;
}

const FAULTS: readonly KnownFault[] = [
  {
    level: "error",
    from: "0.0.0",
    before: "2.10.0",
    isOfReplicas: true,
    problem:
      "in a cluster of this version the copies of a stream may drift apart when its leader stands still",
    why: "confirmed records would be lost, which our chaos suite has seen with 2.9.10",
  },
  {
    level: "error",
    from: "2.10.20",
    before: "2.10.23",
    problem: "this version may lose a whole stream when it is killed",
    why: "every record in it would be lost",
  },
  {
    level: "warning",
    from: "0.0.0",
    before: "2.9.25",
    problem:
      "this version may hang when its disk is full, without a word in its log, until it is killed and started again",
    why: "nothing is lost, but nothing flows until a person acts",
  },
  {
    level: "warning",
    from: "0.0.0",
    before: "2.9.23",
    problem: "this version has CVE-2023-47090: whoever reaches the port may get into the system account",
    why: "a stranger could read or delete the streams",
  },
  {
    level: "warning",
    from: "2.10.0",
    before: "2.10.2",
    problem: "this version has CVE-2023-47090: whoever reaches the port may get into the system account",
    why: "a stranger could read or delete the streams",
  },
  {
    level: "warning",
    from: "0.0.0",
    before: "2.10.27",
    problem: "this version has CVE-2025-30215: a user of one account may administer the streams of another",
    why: "somebody else's mistake could delete the streams",
  },
  {
    level: "warning",
    from: "2.11.0",
    before: "2.11.1",
    problem: "this version has CVE-2025-30215: a user of one account may administer the streams of another",
    why: "somebody else's mistake could delete the streams",
  },
];

/**
 * @param version as the server says it, such as `2.9.10` or `2.15.0-dev`
 * @param replicas STREAM_REPLICAS
 */
export function checkServerVersion(version: string, replicas: number): Finding[] {
  const server = parse(version);
  if (server === undefined) {
    return [about(version, "info", "the version cannot be read, so nothing is known about it", "")];
  }
  const findings = FAULTS.filter(
    ({ from, before, isOfReplicas }) =>
      compare(server, from) >= 0 && compare(server, before) < 0 && (isOfReplicas !== true || replicas > 1),
  ).map(({ level, problem, why }) => about(version, level, problem, why));
  const floor = FLOORS.get(`${String(server.major)}.${String(server.minor)}`);
  if (floor === undefined && server.major === 2 && server.minor < NEWEST_KNOWN_MINOR) {
    findings.push(
      about(
        version,
        "warning",
        "this version is out of support",
        "faults found in it are not mended any more",
      ),
    );
  } else if (floor !== undefined && server.patch < floor) {
    findings.push(
      about(
        version,
        "warning",
        "this version lacks security fixes of its own line",
        "they are public, so they are easy to use against it",
      ),
    );
  }
  return findings;
}

function about(version: string, level: Finding["level"], problem: string, why: string): Finding {
  return { level, setting: "nats-server", value: version, limit: FLOOR_TEXT, problem, why };
}

function parse(text: string): Version | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** @returns below, at or above zero, as for sort() */
function compare(version: Version, other: string): number {
  const [major = 0, minor = 0, patch = 0] = other.split(".").map(Number);
  return version.major - major || version.minor - minor || version.patch - patch;
}
