/**
 * One run: source and foreign client -> the real trio over a real NATS -> table, while faults happen;
 * then heal, drain, and compare the table with what was confirmed.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../services/shared/errors.js";
import { until } from "../support/until.js";
import { Flow } from "./flow.js";
import type { Engine } from "./engine.js";
import { carryOut } from "./faults.js";
import type { Targets } from "./faults.js";
import { writeSource } from "./file-source.js";
import { ForeignClient } from "./foreign-client.js";
import { Oracle } from "./oracle.js";
import type { Ledger } from "./oracle.js";
import { watchOutage } from "./outage.js";
import type { OutageReport } from "./outage.js";
import { MAX_CLOCK_STEP_MS, boutsOf, describeFault } from "./plan.js";
import type { FaultKind, OutageKind, PlannedFault } from "./plan.js";
import { Random } from "./random.js";
import type { Servers } from "./servers.js";
import { outstandingMessages, parkedEntries, publishedMessages } from "./streams.js";
import type { BigQueryTableMode, Table } from "./tables.js";
import { clockFileOf, deathFileOf, makeTrio } from "./trio.js";

export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Records per second from source and foreign client together, while nothing is wrong. */
  readonly rate: number;
  readonly sink: "duckdb" | "bigquery";
  readonly mode: BigQueryTableMode;
  readonly only: readonly FaultKind[] | undefined;
  /** One outage for all the time in the place of bouts; undefined for bouts. */
  readonly outage: OutageKind | undefined;
  /** Empty; the data, logs and markers of the run. */
  readonly folder: string;
  readonly servers: Servers;
  readonly table: Table;
  /** Hears how it goes, a line at a time. */
  readonly say: (line: string) => void;
}

export interface RunReport {
  readonly ledger: Ledger;
  /** Faults carried out, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Last fault of a bout healed to the next row stored, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  /** Why the run could not end in order; undefined if it did. */
  readonly problem: string | undefined;
  /** How processes of engines ended: `code 0`, `SIGKILL`, ... */
  readonly ends: Readonly<Record<string, number>>;
  readonly foreignRetries: number;
  /** Undefined where there was none. */
  readonly outage: OutageReport | undefined;
}

/** The rest of the records comes from the foreign client. */
const SOURCE_SHARE = 2 / 3;
/** More than the pace asks for: filling a stream takes many at once. */
const SOURCE_RESERVE = 1.5;
/** Twice what it takes to fill both streams at the default rate. */
const OUTAGE_FLOW_MINUTES = 4;
/** A run that recovers no more is a failure, also before its time is over. */
const RECOVERY_DEADLINE_MS = 60_000;
const DRAIN_DEADLINE_MS = 300_000;

export async function runChaos(options: RunOptions): Promise<RunReport> {
  const { seed, minutes, rate, folder, servers, table, say } = options;
  const random = new Random(seed);
  const oracle = new Oracle();
  const startedAtMs = Date.now();
  // In an outage the source stands still once the streams are full.
  const flowMinutes = options.outage === undefined ? minutes : Math.min(minutes, OUTAGE_FLOW_MINUTES);
  const sourceRows = Math.ceil(rate * SOURCE_SHARE * flowMinutes * 60 * SOURCE_RESERVE);
  const source = await writeSource(join(folder, "source.csv"), sourceRows, oracle, random);
  const engines = await makeTrio({ ...options, source, sourceRate: rate * SOURCE_SHARE });
  const faults: Record<string, number> = {};
  const recoveriesMs: number[] = [];
  let client: ForeignClient | undefined;
  let problem: string | undefined;
  let outage: OutageReport | undefined;
  try {
    for (const engine of engines) engine.start();
    await Promise.all(engines.map((engine) => engine.started()));
    client = await ForeignClient.start({
      natsUrl: servers.url,
      oracle,
      random,
      recordsPerSecond: rate * (1 - SOURCE_SHARE),
    });
    const happened = (bout: readonly PlannedFault[], recoveryMs: number): void => {
      for (const { kind } of bout) faults[kind] = (faults[kind] ?? 0) + 1;
      recoveriesMs.push(recoveryMs);
      say(
        `${bout.map(describeFault).join(" + ")}: rows flow again after ${String(Math.round(recoveryMs))} ms`,
      );
    };
    if (options.outage === undefined) await bouts(options, engines, happened);
    else outage = await longOutage(options.outage, options, engines, happened);
    say("no more faults; draining");
    await drain(client, engines, servers.url);
  } catch (thrown) {
    problem = messageOf(thrown);
    await client?.stop(0);
  } finally {
    await Promise.all(engines.map((engine) => engine.end()));
    await Promise.all(engines.map((engine) => engine.link.close()));
  }
  for (const entry of await parkedEntries(servers.url)) oracle.seeParked(entry);
  const clockStepUs = BigInt(MAX_CLOCK_STEP_MS) * 1_000n;
  const times = { fromUs: BigInt(startedAtMs - 1_000) * 1_000n, toUs: BigInt(Date.now() + 1_000) * 1_000n };
  for await (const row of table.rows()) oracle.seeRow(row, { ...times, clockStepUs });
  const totals = await table.totals();
  if (totals !== undefined) oracle.seeTotals(totals);
  return {
    ledger: oracle.settle(),
    faults,
    recoveriesMs,
    problem,
    ends: endsOf(engines),
    foreignRetries: client?.refusals ?? 0,
    outage,
  };
}

type Happened = (faults: readonly PlannedFault[], recoveryMs: number) => void;

/** Bout after bout until the time is over. @throws Error when rows do not flow again after one */
async function bouts(options: RunOptions, engines: readonly Engine[], happened: Happened): Promise<void> {
  const { seed, minutes, sink, mode, only, servers } = options;
  const endMs = performance.now() + minutes * 60_000;
  const names = engines.map(({ name }) => name);
  const flow = await flowOf(options, engines);
  for (const bout of boutsOf({ seed, engines: names, servers: servers.ports.length, sink, mode, only })) {
    if (performance.now() > endMs) return;
    await carryOut(bout.faults, targetsOf(options, engines));
    happened(bout.faults, await flow.grows(RECOVERY_DEADLINE_MS));
    await delay(bout.calmMs);
  }
}

/** BigQuery away for the whole time. @throws Error when rows do not flow again after it */
async function longOutage(
  kind: OutageKind,
  options: RunOptions,
  engines: readonly Engine[],
  happened: Happened,
): Promise<OutageReport> {
  const fault = { kind, victim: "sink", durationMs: options.minutes * 60_000, amount: 0 };
  const flow = await flowOf(options, engines);
  const report = await watchOutage(fault, () => carryOut([fault], targetsOf(options, engines)), {
    engines,
    published: () => publishedMessages(options.servers.url),
    say: options.say,
  });
  happened([fault], await flow.grows(RECOVERY_DEADLINE_MS));
  return report;
}

/** Resolves once rows flow. */
async function flowOf({ table }: RunOptions, engines: readonly Engine[]): Promise<Flow> {
  const writers = engines.filter(({ command }) => command === "results");
  const flow = new Flow(() => table.storedRows(writers));
  await flow.grows(RECOVERY_DEADLINE_MS);
  return flow;
}

function targetsOf({ folder, servers, table }: RunOptions, engines: readonly Engine[]): Targets {
  return {
    engines,
    servers,
    table,
    clockFileOf: (name) => clockFileOf(folder, name),
    deathFileOf: (name) => deathFileOf(folder, name),
  };
}

/** Everything healed: the source to its end, both stages to theirs. */
async function drain(client: ForeignClient, engines: readonly Engine[], url: string): Promise<void> {
  const sources = engines.filter(({ command }) => command === "data");
  for (const source of sources) source.link.hurry();
  await client.stop(RECOVERY_DEADLINE_MS);
  await until(
    () => sources.every(({ isFinished }) => isFinished),
    DRAIN_DEADLINE_MS,
    "the end of the source",
  );
  let emptyLooks = 0;
  const isEmpty = async (): Promise<boolean> => {
    emptyLooks = (await outstandingMessages(url)) === 0 ? emptyLooks + 1 : 0;
    return emptyLooks >= 3;
  };
  await until(isEmpty, DRAIN_DEADLINE_MS, "both stages empty");
}

function endsOf(engines: readonly Engine[]): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const engine of engines) {
    for (const [how, count] of engine.ends) ends[how] = (ends[how] ?? 0) + count;
  }
  return ends;
}
