/**
 * Every stream, subject and durable name of the product, and the calls that make them.
 * Nothing else in the tree spells a stream or subject of NATS.
 */
import { DiscardPolicy, NatsError, RetentionPolicy, StorageType, nanos } from "nats";
import type { JetStreamManager, StreamConfig, StreamInfo } from "nats";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../errors.js";
import type { Subject, Topic } from "../messaging.js";
import { STREAM_NOT_FOUND, apiCodeOf } from "./api-errors.js";

/** A stream remembers message ids for this long; trimming keeps messages at least as long. */
export const DEDUPE_WINDOW_MS = 600_000;

/** The three streams, without namespace. */
export type StreamKind = "DATA" | "RESULTS" | "PARKED";

const SUBJECTS: Readonly<Record<StreamKind, readonly Subject[]>> = {
  DATA: ["data", "data.frame"],
  RESULTS: ["results", "results.frame"],
  PARKED: ["parked.data", "parked.results"],
};

/** What the streams are made with. */
export interface StreamSettings {
  readonly namespace: string | undefined;
  readonly replicas: number;
  readonly maxBytes: number;
}

/** The shared durable consumer of a topic. */
export function durableOf(topic: Topic): string {
  return topic === "data" ? "crunch" : "results";
}

/** The stream a topic lives in. */
export function streamKindOf(topic: Topic): StreamKind {
  return topic === "data" ? "DATA" : "RESULTS";
}

/** `DATA`, or `x-DATA` in namespace x. */
export function streamName(kind: StreamKind, namespace: string | undefined): string {
  return namespace === undefined ? kind : `${namespace}-${kind}`;
}

/** `data.frame`, or `x.data.frame` in namespace x. */
export function subjectName(subject: Subject, namespace: string | undefined): string {
  return namespace === undefined ? subject : `${namespace}.${subject}`;
}

/** The stream that stores a subject. */
export function streamKindOfSubject(subject: Subject): StreamKind {
  if (subject.startsWith("parked.")) return "PARKED";
  return subject.startsWith("data") ? "DATA" : "RESULTS";
}

/**
 * Makes the three streams, or brings existing ones to these settings. Safe to call from many
 * processes at once.
 *
 * @throws UserError that names the difference if a stream of that name is not ours to change
 */
export async function ensureStreams(jsm: JetStreamManager, settings: StreamSettings): Promise<void> {
  for (const kind of ["DATA", "RESULTS", "PARKED"] as const) await ensureStream(jsm, kind, settings);
}

async function ensureStream(
  jsm: JetStreamManager,
  kind: StreamKind,
  settings: StreamSettings,
): Promise<void> {
  const wanted = streamConfig(kind, settings);
  try {
    await makeTogether(async () => {
      const existing = await findStream(jsm, wanted.name);
      if (existing === undefined) await jsm.streams.add(wanted);
      else await adaptStream(jsm, existing, wanted);
    });
  } catch (thrown) {
    throw refusalOf(thrown, wanted);
  }
}

/** How often making is tried, and the first wait in between. */
const MAKE_TRIES = 4;
const MAKE_WAIT_MS = 40;

/**
 * Looks and makes what is missing, again when the server refuses: another engine that makes the same
 * at the same time has many kinds of refusal as its consequence, and is done a moment later.
 */
export async function makeTogether(lookAndMake: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await lookAndMake();
      return;
    } catch (thrown) {
      if (apiCodeOf(thrown) === undefined || attempt === MAKE_TRIES) throw thrown;
    }
    await delay(MAKE_WAIT_MS * attempt);
  }
}

function streamConfig(kind: StreamKind, settings: StreamSettings) {
  return {
    name: streamName(kind, settings.namespace),
    subjects: SUBJECTS[kind].map((subject) => subjectName(subject, settings.namespace)),
    storage: StorageType.File,
    // Work-queue retention forgets message ids at a server restart; limits does not.
    retention: RetentionPolicy.Limits,
    // A full stream refuses what is new; dropping what is old would lose records.
    discard: DiscardPolicy.New,
    max_age: 0,
    max_bytes: settings.maxBytes,
    num_replicas: settings.replicas,
    duplicate_window: nanos(DEDUPE_WINDOW_MS),
  } satisfies Partial<StreamConfig>;
}

type WantedStream = ReturnType<typeof streamConfig>;

/** A stream as the server has it; undefined if it is absent. */
export async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (thrown) {
    if (apiCodeOf(thrown) === STREAM_NOT_FOUND) return undefined;
    throw thrown;
  }
}

/** Updates what the settings own; everything else that could lose or hide records is refused. */
async function adaptStream(jsm: JetStreamManager, existing: StreamInfo, wanted: WantedStream): Promise<void> {
  const { config, state } = existing;
  const differences = [
    differs("subjects", [...config.subjects].sort().join(" "), [...wanted.subjects].sort().join(" ")),
    differs("storage", config.storage, wanted.storage),
    differs("retention", config.retention, wanted.retention),
    differs("discard", config.discard, wanted.discard),
    differs("max_age", config.max_age, 0),
    differs("max_msgs", Math.max(config.max_msgs, -1), -1),
    differs("max_msgs_per_subject", Math.max(config.max_msgs_per_subject, -1), -1),
    differs("sealed", config.sealed, false),
  ].filter((difference) => difference !== undefined);
  if (differences.length > 0) {
    throw new UserError(
      `NATS stream ${wanted.name} exists with other settings (${differences.join("; ")}): ` +
        `delete or change it, or set NAMESPACE to use streams of another name`,
    );
  }
  const isSame =
    config.max_bytes === wanted.max_bytes &&
    config.num_replicas === wanted.num_replicas &&
    config.duplicate_window === wanted.duplicate_window;
  if (isSame) return;
  // The server enforces a smaller limit by deleting the oldest messages, finished or not.
  if (wanted.max_bytes < state.bytes) {
    throw new UserError(
      `STREAM_MAX_BYTES=${String(wanted.max_bytes)}: stream ${wanted.name} holds ${String(state.bytes)} bytes; ` +
        `let it drain first, or set at least ${String(state.bytes)}`,
    );
  }
  await jsm.streams.update(wanted.name, {
    max_bytes: wanted.max_bytes,
    num_replicas: wanted.num_replicas,
    duplicate_window: wanted.duplicate_window,
  });
}

function differs(name: string, is: string | number | boolean, wanted: string | number | boolean) {
  return is === wanted ? undefined : `${name} is ${String(is)}, must be ${String(wanted)}`;
}

/** The setting behind a refusal of the server, where there is one. */
function refusalOf(thrown: unknown, wanted: WantedStream): unknown {
  if (!(thrown instanceof NatsError)) return thrown;
  const stream = `stream ${wanted.name} cannot be made: ${thrown.message}`;
  switch (apiCodeOf(thrown)) {
    case 10_023: // insufficient resources
    case 10_028: // memory resources exceeded
    case 10_047: // storage resources exceeded
      return new UserError(`STREAM_MAX_BYTES=${String(wanted.max_bytes)}: ${stream}`);
    case 10_005: // no suitable peers
    case 10_052: // replicas of a single server
    case 10_074:
      return new UserError(`STREAM_REPLICAS=${String(wanted.num_replicas)}: ${stream}`);
    case 10_065: // subjects overlap
      return new UserError(
        `NATS ${stream} (${wanted.subjects.join(", ")}): another stream takes these subjects; set NAMESPACE`,
      );
    default:
      return thrown;
  }
}
