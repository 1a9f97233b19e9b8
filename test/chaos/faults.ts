/** Carries out what the plan says, and takes it back. */
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "../../services/fake-bigquery/fake-bigquery.js";
import type { Engine } from "./engine.js";
import { LOAD_DEATHS, dieAt } from "./load-deaths.js";
import type { LoadDeath } from "./load-deaths.js";
import type { FaultKind, PlannedFault } from "./plan.js";
import type { Servers } from "./servers.js";
import type { Table } from "./tables.js";

/** What a run has to break. */
export interface Targets {
  readonly engines: readonly Engine[];
  readonly servers: Servers;
  readonly table: Table;
  readonly clockFileOf: (engine: string) => string;
  readonly deathFileOf: (engine: string) => string;
}

/** Undoes one fault; resolves when it is undone. */
type Heal = () => Promise<void> | void;

const nothing: Heal = () => undefined;

/** Begins the faults together, heals each when its time is over, and resolves when the last is healed. */
export async function carryOut(faults: readonly PlannedFault[], targets: Targets): Promise<void> {
  await Promise.all(
    faults.map(async (fault) => {
      const heal = await begin(fault, targets);
      await delay(fault.durationMs);
      await heal();
    }),
  );
}

async function begin(fault: PlannedFault, targets: Targets): Promise<Heal> {
  const { kind, victim } = fault;
  if (kind.startsWith("nats-")) return targets.servers.begin(kind, victim);
  if (kind.startsWith("sink-")) return beginSinkFault(fault, targets.table);
  if (kind === "stream-full") return fillStream(victim, targets);
  const engine = targets.engines.find(({ name }) => name === victim);
  if (engine === undefined) throw new Error(`there is no engine ${victim}`);
  const death = LOAD_DEATHS.find((one) => one === kind);
  return death === undefined ? beginEngineFault(fault, engine, targets) : beginDeath(death, engine, targets);
}

function beginEngineFault({ kind, amount }: PlannedFault, engine: Engine, targets: Targets): Heal {
  const { link } = engine;
  const heal: Heal = () => link.heal();
  switch (kind) {
    case "engine-sigkill":
      engine.signal("SIGKILL");
      return nothing;
    case "engine-sigterm":
      engine.signal("SIGTERM");
      return nothing;
    case "engine-sigstop":
      engine.signal("SIGSTOP");
      return () => engine.signal("SIGCONT");
    case "link-blackhole":
      link.blackhole();
      return heal;
    case "link-cut":
      link.cut();
      return nothing;
    case "link-cut-after":
      link.cutAfter(amount);
      return nothing;
    case "link-latency":
      link.latency(amount);
      return heal;
    case "link-slow":
      link.slow(amount);
      return heal;
    case "clock-step": {
      const path = targets.clockFileOf(engine.name);
      writeFileSync(path, String(amount));
      return () => writeFileSync(path, "0");
    }
    default:
      throw new Error(`${kind} is no fault of an engine`);
  }
}

/** Other faults may keep the phase from coming. */
const DEATH_DEADLINE_MS = 20_000;

async function beginDeath(death: LoadDeath, engine: Engine, targets: Targets): Promise<Heal> {
  const { fake } = targets.table;
  if (fake === undefined) throw new Error(`${death} needs the fake BigQuery`);
  const deathsBefore = engine.ends.get("SIGKILL") ?? 0;
  const parts = {
    fake,
    deathFile: targets.deathFileOf(engine.name),
    isDead: () => (engine.ends.get("SIGKILL") ?? 0) > deathsBefore,
    kill: () => engine.signal("SIGKILL"),
  };
  await dieAt(death, parts, DEATH_DEADLINE_MS);
  return nothing;
}

/** One stage stands still while the source publishes as fast as it can. */
function fillStream(victim: string, { engines }: Targets): Heal {
  const command = victim === "crunch stage" ? "engine" : "results";
  const stage = engines.filter((engine) => engine.command === command);
  const sources = engines.filter((engine) => engine.command === "data");
  for (const engine of stage) engine.signal("SIGSTOP");
  for (const source of sources) source.link.latency(0);
  return () => {
    for (const source of sources) source.link.heal();
    for (const engine of stage) engine.signal("SIGCONT");
  };
}

const FOR_ALL = { times: Number.POSITIVE_INFINITY };

/** What the fake BigQuery does to requests until it is healed. */
const SINK_FAULTS: Partial<Record<FaultKind, (amount: number) => Fault>> = {
  // Only a few: each is given up after 30 s.
  "sink-hangs": () => ({ hang: true, times: 2 }),
  "sink-refuses": () => ({ status: 503, reason: "backendError", ...FOR_ALL }),
  "sink-quota": () => ({ status: 429, reason: "rateLimitExceeded", ...FOR_ALL }),
  "sink-commits-and-drops": () => ({ commitThenDrop: true, ...FOR_ALL }),
  "sink-drops": () => ({ dropBeforeCommit: true, ...FOR_ALL }),
  "sink-slow": (latencyMs) => ({ latencyMs, ...FOR_ALL }),
  "sink-html": () => ({ html200: true, ...FOR_ALL }),
};

async function beginSinkFault({ kind, amount }: PlannedFault, { fake, faultsOn }: Table): Promise<Heal> {
  if (fake !== undefined && kind === "sink-away") return fake.goAway();
  const fault = SINK_FAULTS[kind]?.(amount);
  if (fault === undefined || fake === undefined) throw new Error(`${kind} needs the fake BigQuery`);
  fake.fail({ ...fault, ...(faultsOn === undefined ? {} : { on: { path: faultsOn } }) });
  return () => fake.heal();
}
