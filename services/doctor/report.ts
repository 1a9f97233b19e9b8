/** Findings as text for people and as JSON for programs. */
import type { Finding, FindingLevel } from "./finding.js";

/** How many findings of each level there are. */
export type FindingCounts = Readonly<Record<FindingLevel, number>>;

export function countFindings(findings: readonly Finding[]): FindingCounts {
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}

/** @param isStrict whether a warning counts as an error */
export function isHealthy(findings: readonly Finding[], isStrict: boolean): boolean {
  const { error, warning } = countFindings(findings);
  return error === 0 && (!isStrict || warning === 0);
}

/** A paragraph for each finding, then one line that counts them. */
export function findingsText(findings: readonly Finding[]): string {
  const { error, warning, info } = countFindings(findings);
  const paragraphs = findings.map((finding) => `${paragraph(finding)}\n`);
  const counts = `${many(error, "error")}, ${many(warning, "warning")}, ${String(info)} for information`;
  return `${paragraphs.join("")}${error + warning === 0 ? "nothing is wrong: " : ""}${counts}\n`;
}

/** One line of JSON. */
export function findingsJson(findings: readonly Finding[], isStrict: boolean): string {
  return `${JSON.stringify({ ok: isHealthy(findings, isStrict), ...countFindings(findings), findings })}\n`;
}

function paragraph({ level, setting, value, limit, problem, why }: Finding): string {
  const lines = [`${level.padEnd(8)}${setting}${value === "" ? "" : `: ${value}`}`, problem];
  if (limit !== "") lines.push(`must be: ${limit}`);
  if (why !== "") lines.push(`matters: ${why}`);
  return lines.join(`\n${" ".repeat(8)}`);
}

function many(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? "" : "s"}`;
}
