/** Every PromQL expression of `monitoring/`, and the metrics each reads. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Expression {
  /** File and panel or rule, for people. */
  readonly where: string;
  readonly text: string;
  /** False for an alert, which is empty while all is well. */
  readonly showsAlways: boolean;
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly record?: string; readonly alert?: string; readonly expr: string }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const RULES = "monitoring/prometheus/rules.yml";
const DASHBOARDS = "monitoring/grafana/dashboards";

/** @returns those of rules and dashboards; variables of a dashboard stand for all */
export function allExpressions(): Expression[] {
  const rules = rulesOf().groups.flatMap((group) => group.rules);
  const ofRules = rules.map(({ record, alert, expr }) => ({
    where: `${RULES} ${record ?? alert ?? ""}`,
    text: expr,
    showsAlways: record !== undefined,
  }));
  const ofDashboards = readdirSync(DASHBOARDS).flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(join(DASHBOARDS, file), "utf8")) as Dashboard;
    return panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }) => ({
        where: `${file} "${title}"`,
        text: expr.replaceAll(/=~?"\$\w+"/g, '=~".+"'),
        showsAlways: true,
      })),
    );
  });
  return [...ofRules, ...ofDashboards];
}

/** Names that recording rules make. */
export function recordedNames(): string[] {
  return rulesOf().groups.flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? []));
}

/** Metrics that an expression reads. */
export function metricsIn(expression: string): string[] {
  const bare = expression.replaceAll(/"[^"]*"/g, "").replaceAll(/\b(by|without) \([^)]*\)/g, "");
  const names = bare.match(/\b(?:crunch|data|results|process|nodejs|node)[_:][a-z0-9_:]+|\bup\b/g);
  return [...new Set(names)];
}

function rulesOf(): Rules {
  return parse(readFileSync(RULES, "utf8")) as Rules;
}
