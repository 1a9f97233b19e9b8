/** BigQuery away once and for long: what the engines do meanwhile, and after it. */
import { setTimeout as delay } from "node:timers/promises";
import { residentMib } from "../support/resident-memory.js";
import type { Engine } from "./engine.js";
import type { PlannedFault } from "./plan.js";

/** Memory of one engine, in MiB. */
export interface EngineMemory {
  readonly engine: string;
  readonly before: number;
  /** The highest of each half of the outage. */
  readonly firstHalf: number;
  readonly secondHalf: number;
  readonly end: number;
}

export interface OutageReport {
  readonly fault: PlannedFault;
  /** From its begin until nothing more was published; undefined if that never came. */
  readonly heldBackAfterMs: number | undefined;
  readonly memory: readonly EngineMemory[];
}

export interface OutageParts {
  readonly engines: readonly Engine[];
  /** How many messages the sources have published so far; undefined while nobody can tell. */
  readonly published: () => Promise<number | undefined>;
  readonly say: (line: string) => void;
}

/** One look at the engines. */
interface Look {
  readonly atMs: number;
  readonly published: number | undefined;
  readonly mib: readonly number[];
}

/** Rows flow for so long first, so that engines have the size that they have while they work. */
const WARM_UP_MS = 20_000;
const LOOK_EVERY_MS = 2_000;
const MAX_GROWTH = 1.1;

/** @param carryOut begins the fault, and resolves when it is healed */
export async function watchOutage(
  fault: PlannedFault,
  carryOut: () => Promise<void>,
  { engines, published, say }: OutageParts,
): Promise<OutageReport> {
  await delay(WARM_UP_MS);
  const look = async (): Promise<Look> => ({
    atMs: performance.now(),
    published: await published(),
    mib: await Promise.all(engines.map(residentMibOf)),
  });
  const before = await look();
  say(`${fault.kind} for ${String(fault.durationMs)} ms begins`);
  const looks: Look[] = [];
  const state = { isHealed: false };
  const healed = carryOut().finally(() => (state.isHealed = true));
  while (!state.isHealed) {
    looks.push(await look());
    await Promise.race([healed, delay(LOOK_EVERY_MS)]);
  }
  const middleMs = before.atMs + fault.durationMs / 2;
  const highest = (engine: number, isIn: (look: Look) => boolean): number =>
    Math.max(0, ...looks.filter(isIn).map(({ mib }) => mib[engine] ?? 0));
  return {
    fault,
    heldBackAfterMs: heldBackAfterMs(before, looks),
    memory: engines.map(({ name }, index) => ({
      engine: name,
      before: before.mib[index] ?? 0,
      firstHalf: highest(index, ({ atMs }) => atMs < middleMs),
      secondHalf: highest(index, ({ atMs }) => atMs >= middleMs),
      end: looks.at(-1)?.mib[index] ?? 0,
    })),
  };
}

/** 0 between two processes. */
async function residentMibOf({ pid }: Engine): Promise<number> {
  return pid === undefined ? 0 : residentMib(pid);
}

/** The look from which on nothing was published any more, if there were others after it. */
function heldBackAfterMs(before: Look, looks: readonly Look[]): number | undefined {
  const last = looks.at(-1)?.published;
  const first = looks.find(({ published }) => published !== undefined && published === last);
  return first === undefined || first === looks.at(-1) ? undefined : first.atMs - before.atMs;
}

/** What must not be in an outage, for people. */
export function troublesOf({ heldBackAfterMs: heldBack, memory }: OutageReport): readonly string[] {
  const grown = memory.filter(({ firstHalf, secondHalf }) => secondHalf > firstHalf * MAX_GROWTH);
  return [
    ...(heldBack === undefined ? ["the source was not held back"] : []),
    ...grown.map(({ engine }) => `${engine} grew by more than a tenth in the second half of the outage`),
  ];
}
