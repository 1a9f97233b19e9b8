import type { Rule } from "./rule.js";

/** What is started, how many, where, with how much. */
export const schedulingRules: readonly Rule[] = [
  {
    name: "one-command",
    check: ({ app: { cmd, args, container } }) => {
      if (cmd !== undefined && args !== undefined) return ["args: must not stand beside cmd"];
      return cmd === undefined && args === undefined && container?.docker === undefined
        ? ["cmd, args or container.docker is needed: there is nothing to start"]
        : [];
    },
  },
  {
    name: "container-fits-its-type",
    check: ({ app: { container, gpus = 0 } }) => {
      if (container?.type !== "DOCKER") return [];
      const problems: string[] = [];
      if (container.docker === undefined) problems.push("container.docker: is needed with type DOCKER");
      if (container.docker?.pullConfig !== undefined) {
        problems.push("container.docker.pullConfig: only with type MESOS; the type is DOCKER");
      }
      if (gpus > 0) problems.push(`gpus ${String(gpus)}: only with type MESOS; the type is DOCKER`);
      return problems;
    },
  },
  {
    name: "constraint-values",
    check: ({ app: { constraints = [] } }) =>
      constraints.flatMap(([field, operator, ...values]) => {
        const problem = constraintProblem(operator, values);
        return problem === undefined
          ? []
          : [`constraints: ${[field, operator, ...values].join(" ")}: ${problem}`];
      }),
  },
  {
    name: "single-instance",
    check: ({ app }) => {
      if (app.labels?.MARATHON_SINGLE_INSTANCE_APP !== "true") return [];
      const problems: string[] = [];
      if (app.instances > 1) {
        problems.push(
          `instances ${String(app.instances)}: must be at most 1 with MARATHON_SINGLE_INSTANCE_APP`,
        );
      }
      const strategy = app.upgradeStrategy ?? { minimumHealthCapacity: 1, maximumOverCapacity: 1 };
      if (strategy.minimumHealthCapacity !== 0 || strategy.maximumOverCapacity !== 0) {
        problems.push(
          "upgradeStrategy: minimumHealthCapacity and maximumOverCapacity must be 0 with MARATHON_SINGLE_INSTANCE_APP",
        );
      }
      return problems;
    },
  },
  {
    name: "persistent-volumes-are-not-doubled",
    check: ({ app }) => {
      const over = app.upgradeStrategy?.maximumOverCapacity ?? 0;
      const isPersistent = (app.container?.volumes ?? []).some(({ persistent }) => persistent !== undefined);
      return isPersistent && over !== 0
        ? [`upgradeStrategy.maximumOverCapacity ${String(over)}: must be 0 with a persistent volume`]
        : [];
    },
  },
  {
    name: "secrets-exist",
    check: ({ app: { env = {}, secrets = {}, container } }) => {
      const wanted = [
        ...Object.entries(env).flatMap(([name, value]) =>
          typeof value === "string" ? [] : [[`env.${name}`, value.secret] as const],
        ),
        ...(container?.volumes ?? []).flatMap(({ containerPath, secret }) =>
          secret === undefined ? [] : [[`container.volumes ${containerPath}`, secret] as const],
        ),
      ];
      return wanted
        .filter(([, secret]) => !Object.hasOwn(secrets, secret))
        .map(([place, secret]) => `${place}: secret "${secret}": must be one of secrets`);
    },
  },
  {
    name: "limits-reach-requests",
    check: ({ app: { cpus, mem, resourceLimits = {} } }) =>
      Object.entries({ cpus, mem }).flatMap(([name, request]) => {
        const limit = resourceLimits[name as "cpus" | "mem"];
        return typeof limit === "number" && limit < request
          ? [`resourceLimits.${name} ${String(limit)}: must be at least ${name}, which is ${String(request)}`]
          : [];
      }),
  },
];

function constraintProblem(operator: string, values: readonly string[]): string | undefined {
  const [value] = values;
  if (values.length > 1) return "must have at most one value";
  switch (operator) {
    case "UNIQUE":
      return value === undefined ? undefined : "UNIQUE takes no value";
    case "MAX_PER":
      return isCount(value) ? undefined : "MAX_PER needs a whole number";
    case "GROUP_BY":
      return value === undefined || isCount(value) ? undefined : "GROUP_BY takes a whole number or nothing";
    case "LIKE":
    case "UNLIKE":
      return value !== undefined && isPattern(value) ? undefined : `${operator} needs a regular expression`;
    case "IS":
      return value === undefined ? "IS needs a value" : undefined;
    default:
      return undefined;
  }
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,9}$/.test(text);
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
