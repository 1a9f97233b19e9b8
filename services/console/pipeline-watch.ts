/** Looks at the pipeline every second, whether anybody watches or not: so a page that is loaded has the past. */
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../shared/errors.js";
import type { PipelineLook, StatusSource } from "../status/pipeline-looks.js";
import { PipelineLooks } from "../status/pipeline-looks.js";
import type { ConsoleLook } from "./console-look.js";
import { EngineEvents } from "./engine-events.js";
import { History } from "./history.js";

/** From the start of one look to that of the next, in milliseconds. */
const EVERY_MS = 1_000;

/** What is looked at. */
export interface WatchedStreams extends StatusSource {
  /** False where no engine has ever been. */
  hasStreams(): Promise<boolean>;
}

/** What the watch found so far. */
export type Watched = Pick<
  ConsoleLook,
  "trouble" | "lookedFromMs" | "lookedUntilMs" | "status" | "latest" | "history" | "events"
>;

export class PipelineWatch {
  readonly #streams: WatchedStreams;
  readonly #looks: PipelineLooks;
  readonly #history = new History();
  readonly #events = new EngineEvents();
  #newest: (PipelineLook & { readonly fromMs: number; readonly untilMs: number }) | undefined;
  #trouble: string | undefined;

  constructor(streams: WatchedStreams) {
    this.#streams = streams;
    this.#looks = new PipelineLooks(streams);
  }

  /** Looks until `signal` aborts. A look that fails is told by {@link seen}, and the next one tries again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startMs = performance.now();
      await this.lookOnce();
      const leftMs = Math.max(0, EVERY_MS - (performance.now() - startMs));
      await delay(leftMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async lookOnce(): Promise<void> {
    const fromMs = Date.now();
    try {
      const look = await this.#looks.look();
      const untilMs = Date.now();
      this.#newest = { ...look, fromMs, untilMs };
      this.#trouble = undefined;
      this.#history.add(look.status, untilMs, performance.now());
      this.#events.add(look.status.engines, untilMs);
    } catch (thrown) {
      this.#trouble = await this.#troubleOf(thrown);
    }
  }

  /** @param afterMs leaves out the history that is not later, in milliseconds since the epoch */
  seen(afterMs: number): Watched {
    const newest = this.#newest;
    return {
      trouble: this.#trouble ?? null,
      lookedFromMs: newest?.fromMs ?? null,
      lookedUntilMs: newest?.untilMs ?? null,
      status: newest?.status ?? null,
      latest: newest?.latest.rows ?? [],
      history: this.#history.after(afterMs),
      events: this.#events.events,
    };
  }

  async #troubleOf(thrown: unknown): Promise<string> {
    const isThere = await this.#streams.hasStreams().catch(() => true);
    if (!isThere) return "no pipeline has run there yet: start an engine";
    return `the streams do not answer: ${messageOf(thrown)}`;
  }
}
