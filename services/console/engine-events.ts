/** Engines that come and go, from one look to the next. */
import type { Status } from "../status/status-report.js";
import type { EngineEvent } from "./console-look.js";

/** Events that are kept. */
const MAX_EVENTS = 50;

type Engine = Status["engines"][number];

export class EngineEvents {
  #known: ReadonlyMap<string, Engine> | undefined;
  #events: EngineEvent[] = [];

  /** @param atMs milliseconds since the epoch */
  add(engines: Status["engines"], atMs: number): void {
    const now = new Map(engines.map((engine) => [engine.engineId, engine]));
    const before = this.#known;
    this.#known = now;
    // Those that were there before the console joined nothing.
    if (before === undefined) return;
    const note = (what: EngineEvent["what"], { engineId, service, host, pid }: Engine): void => {
      this.#events.unshift({ atMs, what, engineId, service, host, pid });
    };
    for (const engine of engines) {
      const was = before.get(engine.engineId);
      if (was === undefined) note("joined", engine);
      else if (was.state === engine.state) continue;
      else note(engine.state === "missing" ? "missing" : "back", engine);
    }
    for (const engine of before.values()) {
      // The note of one that was missing is cleared away by the next engine.
      if (!now.has(engine.engineId) && engine.state === "running") note("left", engine);
    }
    this.#events = this.#events.slice(0, MAX_EVENTS);
  }

  /** Newest first. */
  get events(): readonly EngineEvent[] {
    return this.#events;
  }
}
