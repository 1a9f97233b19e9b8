/** How many crunch-engines there should be. No clock, no network. */

/** Threads that are less busy than this are not what holds the pipeline up. */
const IDLE_BELOW = 0.5;
/** How busy the threads that are left may get when engines are stopped. */
const BUSY_AT_MOST = 0.8;

/** One look at the pipeline. */
export interface Look {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Instances that Marathon is told to run. */
  readonly engines: number;
  /** When that number was last changed, by anybody, in milliseconds since 1970. */
  readonly changedAtMs: number;
  /** Time until nothing is outstanding, in seconds; Infinity while nothing moves, undefined when nobody knows. */
  readonly drainSeconds: number | undefined;
  /** Share of the crunching threads' time that was spent crunching, 0 to 1; undefined when nobody knows. */
  readonly busyShare: number | undefined;
}

export interface ScaleLimits {
  readonly minEngines: number;
  readonly maxEngines: number;
  /** Above it draining is too slow; below half of it, fast. */
  readonly targetDrainMs: number;
  /** How long it must have been too slow, since the last change. */
  readonly upAfterMs: number;
  /** How long it must have been fast, since the last change. */
  readonly downAfterMs: number;
}

/** How draining is: nothing is known, slower than the target, faster than half of it, or between the two. */
export type Pace = "unknown" | "slow" | "fast" | "right";

/** What is remembered from one look to the next. */
export interface Memory {
  readonly pace: Pace;
  readonly sinceMs: number;
}

export interface Decision {
  /** What there should be; the number of the look when nothing should change. */
  readonly engines: number;
  /** For people. */
  readonly why: string;
  readonly memory: Memory;
}

/**
 * Up when draining has been slower than the target for a while and the threads are busy: at most twice as
 * many. Down when it has been faster than half the target for a while: at least half as many, and no fewer
 * than the threads' work needs, so that a steady load is not tried out again and again. Neither while
 * nothing is known or nothing moves.
 *
 * @param memory of the look before; undefined takes the pace for one that has always been
 */
export function decide(look: Look, memory: Memory | undefined, limits: ScaleLimits): Decision {
  const { engines, atMs, changedAtMs, busyShare } = look;
  const { minEngines, maxEngines } = limits;
  const pace = paceOf(look.drainSeconds, limits);
  const sinceMs = memory === undefined ? -Infinity : memory.pace === pace ? memory.sinceMs : atMs;
  const decision = (wanted: number, why: string): Decision => ({
    engines: wanted,
    why,
    memory: { pace, sinceMs: memory === undefined ? atMs : sinceMs },
  });
  const hold = (why: string): Decision => decision(engines, why);

  if (engines < minEngines) return decision(minEngines, `MIN_ENGINES is ${String(minEngines)}`);
  if (engines > maxEngines) return decision(maxEngines, `MAX_ENGINES is ${String(maxEngines)}`);
  const { drainSeconds = Infinity } = look;
  const drain = `draining takes ${seconds(drainSeconds * 1_000)}`;
  const heldMs = atMs - Math.max(sinceMs, changedAtMs);
  switch (pace) {
    case "unknown":
      return hold(look.drainSeconds === undefined ? "the drain time is not known" : "nothing moves");
    case "right":
      return hold(drain);
    case "slow": {
      const slow = `${drain}, above ${seconds(limits.targetDrainMs)}`;
      if (busyShare === undefined) return hold(`${slow}, but no crunch-engine answers`);
      if (busyShare < IDLE_BELOW) {
        return hold(
          `${slow}, but threads are ${percent(busyShare)} busy: more crunch-engines would not help`,
        );
      }
      if (engines === maxEngines) return hold(`${slow}, but MAX_ENGINES is ${String(maxEngines)}`);
      if (heldMs < limits.upAfterMs) return hold(`${slow}, but not yet for ${seconds(limits.upAfterMs)}`);
      const needed = Math.ceil((engines * drainSeconds * 1_000) / limits.targetDrainMs);
      return decision(Math.min(maxEngines, 2 * engines, Math.max(needed, engines + 1)), slow);
    }
    case "fast": {
      if (engines === minEngines) return hold(drain);
      if (busyShare === undefined) return hold(`${drain}, but no crunch-engine answers`);
      const fast = `${drain}, and threads are ${percent(busyShare)} busy`;
      const needed = Math.max(
        Math.ceil((engines * busyShare) / BUSY_AT_MOST),
        Math.ceil(engines / 2),
        minEngines,
      );
      if (needed >= engines) return hold(fast);
      if (heldMs < limits.downAfterMs) return hold(`${fast}, but not yet for ${seconds(limits.downAfterMs)}`);
      return decision(needed, fast);
    }
  }
}

function paceOf(drainSeconds: number | undefined, { targetDrainMs }: ScaleLimits): Pace {
  if (drainSeconds === undefined || !Number.isFinite(drainSeconds)) return "unknown";
  const drainMs = drainSeconds * 1_000;
  if (drainMs > targetDrainMs) return "slow";
  return drainMs < targetDrainMs / 2 ? "fast" : "right";
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${String(Math.round(ms / 1_000))} s` : "for ever";
}

function percent(share: number): string {
  return `${String(Math.round(share * 100))} %`;
}
