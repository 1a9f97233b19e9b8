import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { NAME_PARAMETER } from "../shared/health.js";
import { parseMetrics, sumOf } from "../shared/metrics-text.js";
import type { Sample } from "../shared/metrics-text.js";

/** Where a run stands, from the engines' own metrics. */
export interface RunCounts {
  readonly published: number;
  /** Records in the source; undefined while or when it is unknown. */
  readonly expected: number | undefined;
  readonly crunched: number;
  readonly stored: number;
  readonly repeats: number;
}

/** A counter as Prometheus reads it: one that falls belongs to a new process and starts from 0. */
export class ResettingCounter {
  #before = 0;
  #last = 0;

  observe(value: number): void {
    if (value < this.#last) this.#before += this.#last;
    this.#last = value;
  }

  get total(): number {
    return this.#before + this.#last;
  }
}

/** Something that serves `/metrics` on a loopback port, while it is up. */
export interface MetricsPort {
  readonly details: { readonly port: number } | undefined;
}

const TIMEOUT_MS = 2_000;
const PUBLISHED = "data_confirmed_position";
const EXPECTED = "data_source_expected_records";
const CRUNCHED = "crunch_records_total";
const ROWS = "results_rows_total";

/** Reads `/metrics` of all engines of a run and adds them up. An engine that is down keeps its last word. */
export class RunMetrics {
  /** Once there is a data-engine. */
  data: MetricsPort | undefined;
  readonly #engines: readonly { port: MetricsPort; crunched: ResettingCounter }[];
  readonly #results: MetricsPort;
  readonly stored = new ResettingCounter();
  readonly repeats = new ResettingCounter();
  #published = 0;
  #expected: number | undefined;
  #reading: Promise<RunCounts> | undefined;

  constructor(parts: { engines: readonly MetricsPort[]; results: MetricsPort }) {
    this.#engines = parts.engines.map((port) => ({ port, crunched: new ResettingCounter() }));
    this.#results = parts.results;
  }

  /** The data-engine's last word, later than its last answer. */
  dataEnded(published: number): void {
    this.#published = Math.max(this.#published, published);
  }

  /** One reading at a time: of two, the older answer could come last and look like a counter that fell. */
  read(): Promise<RunCounts> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<RunCounts> {
    const [data, results, ...engines] = await Promise.all([
      this.data === undefined ? undefined : scrape(this.data, [PUBLISHED, EXPECTED]),
      scrape(this.#results, [ROWS]),
      ...this.#engines.map(({ port }) => scrape(port, [CRUNCHED])),
    ]);
    if (data !== undefined) {
      this.#published = Math.max(this.#published, sumOf(data, PUBLISHED));
      this.#expected = sumOf(data, EXPECTED) || undefined;
    }
    if (results !== undefined) {
      this.stored.observe(sumOf(results, ROWS, { outcome: "stored" }));
      this.repeats.observe(sumOf(results, ROWS, { outcome: "repeat" }));
    }
    for (const [index, samples] of engines.entries()) {
      if (samples !== undefined) {
        this.#engines[index]?.crunched.observe(sumOf(samples, CRUNCHED));
      }
    }
    return {
      published: this.#published,
      expected: this.#expected,
      crunched: this.#engines.reduce((sum, { crunched }) => sum + crunched.total, 0),
      stored: this.stored.total,
      repeats: this.repeats.total,
    };
  }
}

/** undefined when nobody answers in time: the next reading comes soon. */
async function scrape(port: MetricsPort, names: readonly string[]): Promise<readonly Sample[] | undefined> {
  if (port.details === undefined) return undefined;
  const query = new URLSearchParams(names.map((name): [string, string] => [NAME_PARAMETER, name]));
  const url = `http://127.0.0.1:${String(port.details.port)}/metrics?${query.toString()}`;
  try {
    return parseMetrics(await page(url));
  } catch {
    return undefined;
  }
}

/** Not by `fetch`, which takes longer to load than a small run has time. */
async function page(url: string): Promise<string> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }, resolve).on("error", reject);
  });
  if (answer.statusCode !== 200) throw new Error(`${url} answers ${String(answer.statusCode)}`);
  return await text(answer);
}
