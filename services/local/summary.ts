import type { LogLine } from "./child.js";
import { count } from "./progress.js";

/** What a run came to; also what `crunch up --json` prints, in this order. */
export interface Summary {
  readonly published: number;
  readonly stored: number;
  readonly repeats: number;
  readonly parked: number;
  readonly late: number;
  readonly outstanding: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  readonly sink: string;
}

export interface SummaryInput {
  /** Stop line of the data-engine: `published`. */
  readonly data: LogLine | undefined;
  /** Stop line of the results-engine: `late`, `latencyP50Ms`, `latencyP99Ms`, `sink`. */
  readonly results: LogLine | undefined;
  readonly stored: number;
  readonly repeats: number;
  /** Messages parked in this run. */
  readonly parked: number;
  /** Records stored or repeated before this process continued the run. */
  readonly settledBefore: number;
  /** From the start of the data-engine to the last row. */
  readonly ms: number;
}

/** The ledger: published = stored + repeats + parked + outstanding. */
export function summaryOf(input: SummaryInput): Summary {
  const { stored, repeats, parked } = input;
  const published = numberIn(input.data, "published");
  const seconds = Math.round(input.ms) / 1000;
  const settled = Math.max(0, stored + repeats - input.settledBefore);
  return {
    published,
    stored,
    repeats,
    parked,
    late: numberIn(input.results, "late"),
    outstanding: Math.max(0, published - stored - repeats - parked),
    seconds,
    recordsPerSecond: seconds > 0 ? Math.round(settled / seconds) : 0,
    latencyMs: {
      p50: numberIn(input.results, "latencyP50Ms"),
      p99: numberIn(input.results, "latencyP99Ms"),
    },
    sink: textIn(input.results, "sink"),
  };
}

/** The summary for people: a table with its figures below one another. */
export function summaryTable(summary: Summary): string {
  const figures = (["published", "stored", "repeats", "parked", "late", "outstanding"] as const).map(
    (name) => [name, count(summary[name])] as const,
  );
  const width = Math.max(...figures.map(([, figure]) => figure.length));
  const { p50, p99 } = summary.latencyMs;
  const lines = [
    ...figures.map(([name, figure]) => `  ${name.padEnd(12)} ${figure.padStart(width)}`),
    `  ${"time".padEnd(12)} ${summary.seconds.toFixed(1)} s, ${count(summary.recordsPerSecond)} records/s`,
    `  ${"latency".padEnd(12)} half within ${count(p50)} ms, 99 % within ${count(p99)} ms`,
    `  ${"sink".padEnd(12)} ${summary.sink}`,
  ];
  return lines.join("\n");
}

function numberIn(line: LogLine | undefined, name: string): number {
  const value = line?.[name];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function textIn(line: LogLine | undefined, name: string): string {
  const value = line?.[name];
  return typeof value === "string" ? value : "";
}
