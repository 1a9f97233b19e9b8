/**
 * Every stream, subject and durable name of the product, and the calls that make them.
 * Nothing else in the tree spells a stream or subject of NATS.
 */
import { DiscardPolicy, NatsError, RetentionPolicy, StorageType, nanos } from "nats";
import type { JetStreamManager, StreamConfig, StreamInfo } from "nats";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../errors.js";
import type { Warn } from "./link.js";
import type { Subject, Topic } from "../messaging.js";
import { NO_PEERS, STREAM_NOT_FOUND, SUBJECTS_OVERLAP, apiCodeOf } from "./api-errors.js";
import { DEDUPE_WINDOW_MS } from "./limits.js";

/** The three streams, without namespace. */
export type StreamKind = "DATA" | "RESULTS" | "PARKED";

const SUBJECTS: Readonly<Record<StreamKind, readonly Subject[]>> = {
  DATA: ["data", "data.frame"],
  RESULTS: ["results", "results.frame"],
  PARKED: ["parked.data", "parked.results"],
};

/** What the server tells about a message that it will not deliver again although nobody settled it. */
export type AdvisoryKind = "MAX_DELIVERIES" | "MSG_TERMINATED";

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

/** The server's advisories about the durable of a topic; `*` stands for every kind. PARKED keeps them. */
export function advisorySubject(
  kind: AdvisoryKind | "*",
  topic: Topic,
  namespace: string | undefined,
): string {
  const stream = streamName(streamKindOf(topic), namespace);
  return `$JS.EVENT.ADVISORY.CONSUMER.${kind}.${stream}.${durableOf(topic)}`;
}

/** The stream of notes, and the subject of one. */
export function stateStreamName(namespace: string | undefined): string {
  return namespace === undefined ? "STATE" : `${namespace}-STATE`;
}

export function stateSubject(key: string, namespace: string | undefined): string {
  return namespace === undefined ? `state.${key}` : `${namespace}.state.${key}`;
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
export async function ensureStreams(
  jsm: JetStreamManager,
  settings: StreamSettings,
  warn: Warn,
): Promise<void> {
  for (const kind of ["DATA", "RESULTS"] as const) await ensureStream(jsm, wantedStream(kind, settings));
  const parked = wantedStream("PARKED", settings);
  try {
    await ensureStream(jsm, parked);
  } catch (thrown) {
    if (!(thrown instanceof UserError) || apiCodeOf(thrown.cause) !== SUBJECTS_OVERLAP) throw thrown;
    await ensureStream(jsm, { ...parked, subjects: openSubjects("PARKED", settings.namespace) });
    warn(
      { stream: parked.name },
      `another stream keeps the advisories: a message that runs into a max_deliver is not copied to ${parked.name}`,
    );
  }
}

async function ensureStream(jsm: JetStreamManager, wanted: WantedStream): Promise<void> {
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

/** A stream as these settings want it. */
export function wantedStream(kind: StreamKind, settings: StreamSettings) {
  return {
    name: streamName(kind, settings.namespace),
    subjects: [
      ...openSubjects(kind, settings.namespace),
      ...(kind === "PARKED" ? advisorySubjects(settings.namespace) : []),
    ],
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

function openSubjects(kind: StreamKind, namespace: string | undefined): string[] {
  return SUBJECTS[kind].map((subject) => subjectName(subject, namespace));
}

function advisorySubjects(namespace: string | undefined): string[] {
  return (["data", "results"] as const).flatMap((topic) =>
    (["MAX_DELIVERIES", "MSG_TERMINATED"] as const).map((kind) => advisorySubject(kind, topic, namespace)),
  );
}

type WantedStream = ReturnType<typeof wantedStream>;

/** A stream as the server has it; undefined if it is absent. */
export async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (thrown) {
    if (apiCodeOf(thrown) === STREAM_NOT_FOUND) return undefined;
    throw thrown;
  }
}

/** Something of a stream that is not ours to change and could lose or hide records. */
export interface StreamDifference {
  readonly setting: string;
  readonly value: string;
  readonly wanted: string;
}

/** What makes an existing stream one that engines refuse. */
export function streamDifferences(config: StreamConfig, wanted: WantedStream): StreamDifference[] {
  // Further subjects take nothing from a stream: one made by an older version gets what is new.
  const subjects = [...new Set([...config.subjects, ...wanted.subjects])];
  return [
    differs("subjects", subjects.sort().join(" "), [...wanted.subjects].sort().join(" ")),
    differs("storage", config.storage, wanted.storage),
    differs("retention", config.retention, wanted.retention),
    differs("discard", config.discard, wanted.discard),
    differs("max_age", config.max_age, 0),
    differs("max_msgs", Math.max(config.max_msgs, -1), -1),
    differs("max_msgs_per_subject", Math.max(config.max_msgs_per_subject, -1), -1),
    differs("sealed", config.sealed, false),
  ].filter((difference) => difference !== undefined);
}

/** Updates what the settings own; everything else that could lose or hide records is refused. */
async function adaptStream(jsm: JetStreamManager, existing: StreamInfo, wanted: WantedStream): Promise<void> {
  const { config, state } = existing;
  const known = new Set(config.subjects);
  const isLackingSubjects = wanted.subjects.some((subject) => !known.has(subject));
  const differences = streamDifferences(config, wanted);
  if (differences.length > 0) {
    const list = differences.map(
      (difference) => `${difference.setting} is ${difference.value}, must be ${difference.wanted}`,
    );
    throw new UserError(
      `NATS stream ${wanted.name} exists with other settings (${list.join("; ")}): ` +
        `delete or change it, or set NAMESPACE to use streams of another name`,
    );
  }
  const isSame =
    !isLackingSubjects &&
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
    subjects: wanted.subjects,
    max_bytes: wanted.max_bytes,
    num_replicas: wanted.num_replicas,
    duplicate_window: wanted.duplicate_window,
  });
}

function differs(
  setting: string,
  is: string | number | boolean,
  wanted: string | number | boolean,
): StreamDifference | undefined {
  return is === wanted ? undefined : { setting, value: String(is), wanted: String(wanted) };
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
    case NO_PEERS:
    case 10_052: // replicas of a single server
    case 10_074:
      return new UserError(`STREAM_REPLICAS=${String(wanted.num_replicas)}: ${stream}`, { cause: thrown });
    case SUBJECTS_OVERLAP:
      return new UserError(
        `NATS ${stream} (${wanted.subjects.join(", ")}): another stream takes these subjects; set NAMESPACE`,
        { cause: thrown },
      );
    default:
      return thrown;
  }
}
