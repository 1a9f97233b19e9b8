/**
 * One run: source and foreign client -> the real trio over a real NATS -> table, while faults happen;
 * then heal, drain, and compare the table with what was confirmed.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../services/shared/errors.js";
import { until } from "../support/until.js";
import type { Engine } from "./engine.js";
import { carryOut } from "./faults.js";
import { writeSource } from "./file-source.js";
import { ForeignClient } from "./foreign-client.js";
import { Oracle } from "./oracle.js";
import type { Ledger } from "./oracle.js";
import { MAX_CLOCK_STEP_MS, boutsOf, describeFault } from "./plan.js";
import type { Bout, FaultKind } from "./plan.js";
import { Random } from "./random.js";
import type { Servers } from "./servers.js";
import { outstandingMessages, parkedEntries } from "./streams.js";
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
}

/** The rest of the records comes from the foreign client. */
const SOURCE_SHARE = 2 / 3;
/** More than the pace asks for: filling a stream takes many at once. */
const SOURCE_RESERVE = 1.5;
/** A run that recovers no more is a failure, also before its time is over. */
const RECOVERY_DEADLINE_MS = 60_000;
const DRAIN_DEADLINE_MS = 180_000;

export async function runChaos(options: RunOptions): Promise<RunReport> {
  const { seed, minutes, rate, folder, servers, table, say } = options;
  const random = new Random(seed);
  const oracle = new Oracle();
  const startedAtMs = Date.now();
  const sourceRows = Math.ceil(rate * SOURCE_SHARE * minutes * 60 * SOURCE_RESERVE);
  const source = await writeSource(join(folder, "source.csv"), sourceRows, oracle, random);
  const engines = await makeTrio({ ...options, source, sourceRate: rate * SOURCE_SHARE });
  const faults: Record<string, number> = {};
  const recoveriesMs: number[] = [];
  let client: ForeignClient | undefined;
  let problem: string | undefined;
  try {
    for (const engine of engines) engine.start();
    await Promise.all(engines.map((engine) => engine.started()));
    client = await ForeignClient.start({
      natsUrl: servers.url,
      oracle,
      random,
      recordsPerSecond: rate * (1 - SOURCE_SHARE),
    });
    await bouts(options, engines, (bout, recoveryMs) => {
      for (const { kind } of bout.faults) faults[kind] = (faults[kind] ?? 0) + 1;
      recoveriesMs.push(recoveryMs);
    });
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
  };
}

/** Bout after bout until the time is over. @throws Error when rows do not flow again after one */
async function bouts(
  options: RunOptions,
  engines: readonly Engine[],
  onRecovery: (bout: Bout, recoveryMs: number) => void,
): Promise<void> {
  const { seed, minutes, sink, mode, only, folder, servers, table, say } = options;
  const endMs = performance.now() + minutes * 60_000;
  const writers = engines.filter(({ command }) => command === "results");
  const targets = {
    engines,
    servers,
    table,
    clockFileOf: (name: string) => clockFileOf(folder, name),
    deathFileOf: (name: string) => deathFileOf(folder, name),
  };
  const names = engines.map(({ name }) => name);
  const flow = new Flow(() => table.storedRows(writers));
  await flow.grows(RECOVERY_DEADLINE_MS);
  for (const bout of boutsOf({ seed, engines: names, servers: servers.ports.length, sink, mode, only })) {
    if (performance.now() > endMs) return;
    await carryOut(bout.faults, targets);
    const recoveryMs = await flow.grows(RECOVERY_DEADLINE_MS);
    onRecovery(bout, recoveryMs);
    say(
      `${bout.faults.map(describeFault).join(" + ")}: rows flow again after ${String(Math.round(recoveryMs))} ms`,
    );
    await delay(bout.calmMs);
  }
}

/** Whether the table grows. */
class Flow {
  readonly #storedRows: () => Promise<number | undefined>;
  #last = 0;

  constructor(storedRows: () => Promise<number | undefined>) {
    this.#storedRows = storedRows;
  }

  /** @returns how long the next row takes from now on, in milliseconds */
  async grows(deadlineMs: number): Promise<number> {
    const startedAtMs = performance.now();
    const before = (await this.#storedRows()) ?? this.#last;
    const hasGrown = async (): Promise<boolean> => {
      this.#last = (await this.#storedRows()) ?? this.#last;
      return this.#last > before;
    };
    await until(hasGrown, deadlineMs, "a further row stored after the faults were healed");
    return performance.now() - startedAtMs;
  }
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
