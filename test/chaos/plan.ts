/** What goes wrong, and when: decided by the seed alone. */
import { LOAD_DEATHS } from "./load-deaths.js";
import { Random } from "./random.js";
import type { BigQueryTableMode } from "./tables.js";

/** By what they are done to. The victim is an engine, a server, the streams or the sink. */
export const ENGINE_FAULTS = [
  "engine-sigkill",
  "engine-sigterm",
  "engine-sigstop",
  "link-blackhole",
  "link-cut",
  "link-cut-after",
  "link-latency",
  "link-slow",
  "clock-step",
] as const;
export const SERVER_FAULTS = ["nats-sigkill", "nats-sigterm", "nats-sigstop"] as const;
/** Only in a cluster: the server runs and its clients reach it, the other servers do not. */
export const CLUSTER_FAULTS = ["nats-cut-off"] as const;
/** A stage stands still and the source does not, until its stream is full. */
export const STREAM_FAULTS = ["stream-full"] as const;
export const BIGQUERY_FAULTS = [
  "sink-hangs",
  "sink-refuses",
  "sink-quota",
  "sink-commits-and-drops",
  "sink-drops",
  "sink-slow",
  "sink-html",
] as const;

/** What a long outage of BigQuery is: it answers that it cannot, or its address refuses connections. */
export const OUTAGES = ["sink-refuses", "sink-away"] as const;
export type OutageKind = (typeof OUTAGES)[number];

/** Only of load jobs: kill -9 in one of their phases. */
export const LOAD_FAULTS = LOAD_DEATHS;

export type FaultKind =
  | (typeof ENGINE_FAULTS)[number]
  | (typeof SERVER_FAULTS)[number]
  | (typeof CLUSTER_FAULTS)[number]
  | (typeof STREAM_FAULTS)[number]
  | (typeof BIGQUERY_FAULTS)[number]
  | OutageKind
  | (typeof LOAD_FAULTS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** `data`, `engine-2`, `nats-1`, `leader of DATA`, `crunch stage`, `sink`, ... */
  readonly victim: string;
  /** From its beginning to its healing. */
  readonly durationMs: number;
  /** What the kind makes of it: milliseconds of latency or clock step, bytes. */
  readonly amount: number;
}

/** Faults that begin together. When all are healed, rows must flow again. */
export interface Bout {
  readonly faults: readonly PlannedFault[];
  /** Between the recovery and the next bout. */
  readonly calmMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly engines: readonly string[];
  /** 1, or the servers of a cluster. */
  readonly servers: number;
  readonly sink: "duckdb" | "bigquery";
  /** How rows go into BigQuery. */
  readonly mode: BigQueryTableMode;
  /** Kinds that may happen; all that the sink and the servers allow unless given. */
  readonly only?: readonly FaultKind[] | undefined;
}

/** Every kind, for `--only`. */
export const FAULT_KINDS: readonly FaultKind[] = [
  ...ENGINE_FAULTS,
  ...SERVER_FAULTS,
  ...CLUSTER_FAULTS,
  ...STREAM_FAULTS,
  ...BIGQUERY_FAULTS,
  ...LOAD_FAULTS,
];

/** Farthest that a clock is moved, in milliseconds. */
export const MAX_CLOCK_STEP_MS = 3_600_000;

/** The bouts of a seed, without end. */
export function* boutsOf(options: PlanOptions): Generator<Bout, never, undefined> {
  const random = new Random(options.seed);
  for (;;) {
    const isStreamBout = random.chance(0.08);
    const drawn = isStreamBout ? [streamFault(random)] : distinctFaults(options, random);
    const faults = drawn.filter(({ kind }) => options.only?.includes(kind) ?? true);
    const calmMs = random.int(200, 1_500);
    if (faults.length > 0) yield { faults, calmMs };
  }
}

/** One to three faults, each of another victim; servers of a cluster only one at a time. */
function distinctFaults(options: PlanOptions, random: Random): PlannedFault[] {
  const count = random.pick([1, 1, 2, 2, 3]);
  const faults = new Map<string, PlannedFault>();
  for (let tries = 0; faults.size < count && tries < 10; tries += 1) {
    const fault = anyFault(options, random);
    const key = fault.kind.startsWith("nats-") ? "nats" : fault.victim;
    if (!faults.has(key)) faults.set(key, fault);
  }
  return [...faults.values()];
}

function anyFault(options: PlanOptions, random: Random): PlannedFault {
  const isCluster = options.servers > 1;
  const place = random.next();
  // A cluster is what such a run is about; a lone server takes everything with it when it goes.
  if (place < (isCluster ? 0.5 : 0.25)) return serverFault(options, random);
  if (place < 0.7 && options.sink === "bigquery") {
    return options.mode === "load" && random.chance(0.6) ? loadFault(options, random) : sinkFault(random);
  }
  return engineFault(random.pick(options.engines), random);
}

function engineFault(victim: string, random: Random): PlannedFault {
  const kind = random.pick(ENGINE_FAULTS);
  const amounts: Partial<Record<FaultKind, () => number>> = {
    "link-cut-after": () => random.int(1, 20_000),
    "link-latency": () => random.int(50, 800),
    "link-slow": () => random.int(2_000, 50_000),
    "clock-step": () => random.pick([-1, 1]) * random.pick([1_000, 10_000, 60_000, MAX_CLOCK_STEP_MS]),
  };
  const isShort = kind === "engine-sigkill" || kind === "engine-sigterm" || kind === "link-cut";
  const durationMs = isShort ? random.int(0, 400) : random.int(500, 7_000);
  return { kind, victim, durationMs, amount: amounts[kind]?.() ?? 0 };
}

function serverFault({ servers }: PlanOptions, random: Random): PlannedFault {
  const kind = random.pick<FaultKind>(servers > 1 ? [...SERVER_FAULTS, ...CLUSTER_FAULTS] : SERVER_FAULTS);
  const names = Array.from({ length: servers }, (_, index) => `nats-${String(index + 1)}`);
  const leaders = servers > 1 ? ["leader of DATA", "leader of RESULTS"] : [];
  const durationMs = kind === "nats-sigstop" ? random.int(300, 7_000) : random.int(100, 3_000);
  return { kind, victim: random.pick([...names, ...leaders]), durationMs, amount: 0 };
}

function streamFault(random: Random): PlannedFault {
  const victim = random.pick(["crunch stage", "results stage"]);
  return { kind: "stream-full", victim, durationMs: random.int(3_000, 6_000), amount: 0 };
}

function sinkFault(random: Random): PlannedFault {
  const kind = random.pick(BIGQUERY_FAULTS);
  const amount = kind === "sink-slow" ? random.int(300, 3_000) : 0;
  return { kind, victim: "sink", durationMs: random.int(500, 5_000), amount };
}

function loadFault({ engines }: PlanOptions, random: Random): PlannedFault {
  const victim = engines.find((name) => name.startsWith("results")) ?? "";
  return { kind: random.pick(LOAD_FAULTS), victim, durationMs: random.int(0, 400), amount: 0 };
}

/** One line for people. */
export function describeFault({ kind, victim, durationMs, amount }: PlannedFault): string {
  return `${kind} ${victim} for ${String(durationMs)} ms${amount === 0 ? "" : ` (${String(amount)})`}`;
}
