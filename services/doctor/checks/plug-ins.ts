/** Source, cruncher and sink as their own openers see them. */
import type { SinkRemark } from "../../results-engine/sinks/sink-look.js";
import type { Finding } from "../finding.js";

export interface PlugInFacts {
  /** Each setting with its value. */
  readonly source: string;
  readonly cruncher: string;
  readonly sink: string;
  /** Why a plug-in does not open: its own sentence, with or without the setting before it; undefined if it does. */
  readonly sourceProblem: string | undefined;
  readonly cruncherProblem: string | undefined;
  readonly sinkRemarks: readonly SinkRemark[];
}

export function checkPlugIns(facts: PlugInFacts): Finding[] {
  const findings: Finding[] = [];
  if (facts.sourceProblem !== undefined) {
    findings.push({
      ...plugIn("SOURCE", facts.source, facts.sourceProblem),
      level: "error",
      why: "no data-engine starts with it, so nothing is published",
    });
  }
  if (facts.cruncherProblem !== undefined) {
    findings.push({
      ...plugIn("CRUNCHER", facts.cruncher, facts.cruncherProblem),
      level: "error",
      why: "no crunch-engine starts with it, so nothing is crunched",
    });
  }
  for (const { level, problem, why } of facts.sinkRemarks) {
    findings.push({ ...plugIn("SINK", facts.sink, problem), level, why });
  }
  return findings;
}

function plugIn(
  setting: string,
  value: string,
  problem: string,
): Pick<Finding, "setting" | "value" | "limit" | "problem"> {
  return { setting, value, limit: "", problem: problem.replace(`${setting}="${value}": `, "") };
}
