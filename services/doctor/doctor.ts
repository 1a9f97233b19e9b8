/**
 * settings -> looks at sink, source, cruncher, NATS and disks -> checks -> findings.
 *
 * Looks ask and change nothing; checks are pure functions from what was seen to findings.
 */
import { join } from "node:path";
import { loadCruncher } from "../crunch-engine/crunchers/index.js";
import { openSource } from "../data-engine/sources/index.js";
import type { AllSettings } from "../local/all-settings.js";
import { lookAtSink } from "../results-engine/sinks/index.js";
import { keepsFromStarting } from "../results-engine/sinks/sink-look.js";
import type { SinkLook } from "../results-engine/sinks/sink-look.js";
import { UserError } from "../shared/errors.js";
import { lookAtNats } from "../shared/nats/look.js";
import type { NatsLook } from "../shared/nats/look.js";
import { DEDUPE_WINDOW_MS, MAX_ACK_PENDING } from "../shared/nats/limits.js";
import { checkAckWait } from "./checks/ack-wait.js";
import { checkClock } from "./checks/clock.js";
import { checkDiskRoom } from "./checks/disk-room.js";
import type { DiskLook } from "./checks/disk-room.js";
import { checkInFlight } from "./checks/in-flight.js";
import { checkPlugIns } from "./checks/plug-ins.js";
import { checkPowerLoss } from "./checks/power-loss.js";
import { checkServerVersion } from "./checks/server-version.js";
import { checkSizes } from "./checks/sizes.js";
import { checkStreams } from "./checks/streams.js";
import { lookAtDisk } from "./disk-look.js";
import type { Finding } from "./finding.js";
import { defaultMonitoringUrl, lookAtMonitoring } from "./monitoring.js";
import type { MonitoringLook } from "./monitoring.js";

export interface DoctorOptions {
  readonly settings: AllSettings;
  /** False if NATS_URL has its default: `crunch up` starts a server of its own then. */
  readonly isNatsUrlGiven: boolean;
  /** Monitoring port of the NATS server; undefined tries port 8222 of its host. */
  readonly monitoringUrl: string | undefined;
  /** Where `crunch up` keeps its message store. */
  readonly cwd: string;
}

/** What is wrong or will be, worst first. Starts nothing and changes nothing. */
export async function diagnose(options: DoctorOptions): Promise<Finding[]> {
  const { settings } = options;
  const [sink, sourceProblem, cruncherProblem, nats] = await Promise.all([
    lookAtTheSink(settings),
    problemOf(async () => {
      const { SOURCE, FRAME_LINGER_MS } = settings.data;
      await (await openSource(SOURCE, { lingerMs: FRAME_LINGER_MS })).close();
    }),
    problemOf(() => loadCruncher(settings.crunch.CRUNCHER)),
    lookAtServer(options),
  ]);
  const findings = [
    ...checkPlugIns({
      source: settings.data.SOURCE,
      cruncher: settings.crunch.CRUNCHER,
      sink: settings.results.SINK,
      sourceProblem,
      cruncherProblem,
      sinkRemarks: sink.remarks,
    }),
    ...checkTimes(settings, sink.deadlineMs),
    ...checkInFlight({
      resultsMaxInFlight: settings.results.RESULTS_MAX_IN_FLIGHT,
      batchMaxRows: settings.results.BATCH_MAX_ROWS,
      frameMaxRecords: settings.data.FRAME_MAX_RECORDS,
      crunchMaxInFlight: settings.crunch.CRUNCH_MAX_IN_FLIGHT,
      maxAckPending: MAX_ACK_PENDING,
    }),
    ...nats.findings,
    ...checkDiskRoom({
      sinkDisk: sink.folder === undefined ? undefined : await lookAtDisk(sink.folder),
      storeDisk: nats.storeDisk,
      storedBytes: nats.storedBytes,
      streamMaxBytes: settings.data.STREAM_MAX_BYTES,
      batchMaxBytes: settings.results.BATCH_MAX_BYTES,
    }),
  ];
  const order = ["error", "warning", "info"];
  return findings.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function checkTimes({ data, crunch, results }: AllSettings, sinkDeadlineMs: number): Finding[] {
  return checkAckWait({
    resendAfterMs: data.RESEND_AFTER_MS,
    dedupeWindowMs: DEDUPE_WINDOW_MS,
    crunchTimeoutMs: crunch.CRUNCH_TIMEOUT_MS,
    batchMs: results.BATCH_MAX_WAIT_MS + sinkDeadlineMs,
    lateAfterMs: results.LATE_AFTER_MS,
  });
}

async function lookAtTheSink({ results }: AllSettings): Promise<SinkLook> {
  try {
    return await lookAtSink(results.SINK, results.BIGQUERY_API_ENDPOINT);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { remarks: [keepsFromStarting(thrown.message)], folder: undefined, deadlineMs: 0 };
  }
}

/** The sentence of an opener that refuses; undefined if it does not. */
async function problemOf(open: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await open();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
}

interface ServerDiagnosis {
  readonly findings: readonly Finding[];
  readonly storeDisk: DiskLook | string;
  readonly storedBytes: number;
}

async function lookAtServer(options: DoctorOptions): Promise<ServerDiagnosis> {
  const { data } = options.settings;
  let look: NatsLook;
  try {
    look = await lookAtNats(data.NATS_URL, data, {
      namespace: data.NAMESPACE,
      replicas: data.STREAM_REPLICAS,
      maxBytes: data.STREAM_MAX_BYTES,
    });
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return withoutServer(options, thrown.message);
  }
  const monitoringUrl = options.monitoringUrl ?? defaultMonitoringUrl(look.host);
  const monitoring = await lookAtMonitoring(monitoringUrl, look.server.id);
  return {
    findings: checkServer(options.settings, look, monitoring),
    storeDisk: await storeDiskOf(look.host, monitoring),
    storedBytes: look.streams.reduce((sum, { config }) => sum + (config?.bytes ?? 0), 0),
  };
}

function checkServer(
  { data, results }: AllSettings,
  look: NatsLook,
  monitoring: MonitoringLook | string,
): Finding[] {
  return [
    ...checkServerVersion(look.server.version, data.STREAM_REPLICAS),
    ...checkSizes({
      maxPayloadBytes: look.server.maxPayloadBytes,
      frameMaxBytes: data.FRAME_MAX_BYTES,
      maxRecordBytes: data.MAX_RECORD_BYTES,
    }),
    ...checkStreams({
      look,
      replicas: data.STREAM_REPLICAS,
      maxBytes: data.STREAM_MAX_BYTES,
      resendAfterMs: data.RESEND_AFTER_MS,
    }),
    ...checkPowerLoss({
      replicas: data.STREAM_REPLICAS,
      serverVersion: look.server.version,
      sync:
        typeof monitoring === "string"
          ? monitoring
          : { always: monitoring.syncAlways, intervalMs: monitoring.syncIntervalMs },
    }),
    ...checkClock(look.clock, results.LATE_AFTER_MS),
  ];
}

async function storeDiskOf(host: string, monitoring: MonitoringLook | string): Promise<DiskLook | string> {
  if (!["127.0.0.1", "localhost", "[::1]"].includes(host)) return "the server runs on another machine";
  if (typeof monitoring === "string") return monitoring;
  return monitoring.storeFolder === undefined
    ? "the server does not name its store"
    : lookAtDisk(monitoring.storeFolder);
}

async function withoutServer(options: DoctorOptions, problem: string): Promise<ServerDiagnosis> {
  // The sentence has the address as it may be shown, without passwords.
  const [said = "", shownUrl = ""] = /^NATS_URL="([^"]*)": /.exec(problem) ?? [];
  const finding: Finding = {
    level: options.isNatsUrlGiven ? "error" : "warning",
    setting: "NATS_URL",
    value: shownUrl,
    limit: "",
    problem: problem.slice(said.length),
    why: options.isNatsUrlGiven
      ? "no engine starts without it, and nothing about the server, its streams and its clock was checked"
      : "`crunch up` starts a server of its own, but single engines need one; nothing about the server, its streams and its clock was checked",
  };
  return {
    findings: [finding],
    storeDisk: options.isNatsUrlGiven
      ? "the server cannot be asked"
      : await lookAtDisk(join(options.cwd, ".crunch")),
    storedBytes: 0,
  };
}
