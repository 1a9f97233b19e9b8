/** What a run was, for people. */
import { DIFFERENCES, differencesIn } from "./oracle.js";
import { troublesOf } from "./outage.js";
import type { OutageReport } from "./outage.js";
import type { RunReport } from "./run.js";

/** Longest that rows may take to flow again, in milliseconds. */
export const MAX_RECOVERY_MS = 10_000;

/** True if nothing was lost, doubled, altered or invented, an outage was endured, and the run ended in order. */
export function isClean({ ledger, problem, outage }: RunReport): boolean {
  const isEndured = outage === undefined || troublesOf(outage).length === 0;
  return problem === undefined && differencesIn(ledger) === 0 && isEndured;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** @param command repeats the run */
export function reportText(report: RunReport, command: string): string {
  const { ledger, faults, recoveriesMs, problem, ends, foreignRetries } = report;
  const total = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${name} ${count.toLocaleString("en")}`)
      .join(", ");
  const ms = (value: number): string => `${Math.round(value).toLocaleString("en")} ms`;
  const lines: [string, string][] = [
    ["confirmed", ledger.confirmed.toLocaleString("en")],
    ["stored", ledger.stored.toLocaleString("en")],
    ["parked", `${total(ledger.parked).toLocaleString("en")} (${list(ledger.parked)})`],
    ["both", `${ledger.parkedAndStored.toLocaleString("en")} failed on one engine, succeeded on another`],
    ["unconfirmed", ledger.unconfirmed.toLocaleString("en")],
    ...DIFFERENCES.map((kind): [string, string] => [kind, ledger.differences[kind].toLocaleString("en")]),
    ["faults", `${total(faults).toLocaleString("en")} (${list(faults)})`],
    ["ends", `${list(ends)}; the foreign client sent ${foreignRetries.toLocaleString("en")} messages again`],
    [
      "recovery",
      `half within ${ms(percentile(recoveriesMs, 0.5))}, all within ${ms(Math.max(0, ...recoveriesMs))}`,
    ],
    ...(report.outage === undefined ? [] : outageLines(report.outage, ms)),
    ["again", command],
  ];
  const table = lines.map(([name, value]) => `  ${name.padEnd(12)} ${value}\n`).join("");
  const examples = ledger.examples.map((example) => `  ${example}\n`).join("");
  return `${table}${examples}${problem === undefined ? "" : `  problem      ${problem}\n`}`;
}

function outageLines(outage: OutageReport, ms: (value: number) => string): [string, string][] {
  const { fault, heldBackAfterMs, memory } = outage;
  const held = heldBackAfterMs === undefined ? "never" : `all but the first ${ms(heldBackAfterMs)}`;
  const mib = (value: number): string => value.toFixed(0);
  return [
    ["outage", `${fault.kind} for ${ms(fault.durationMs)}; the source was held back ${held}`],
    ...memory.map(({ engine, before, firstHalf, secondHalf, end }): [string, string] => [
      engine,
      `${mib(before)} MiB before it, ${mib(end)} at its end; at most ${mib(firstHalf)} in its first half, ${mib(secondHalf)} in its second`,
    ]),
    ...troublesOf(outage).map((trouble): [string, string] => ["trouble", trouble]),
  ];
}
