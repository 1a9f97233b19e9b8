/** What runs against what a file asks for. */
import type { RunningApp } from "../api/answers.js";
import type { PlacedApp } from "../definition/rules/rule.js";

/**
 * Fields that the file asks for and that run with another value, such as `container.docker.image`.
 * What Marathon adds by itself is no difference. No values: the environment may hold secrets.
 */
export function differencesOf(asked: unknown, running: unknown, place = ""): readonly string[] {
  if (Array.isArray(asked)) {
    if (!Array.isArray(running) || running.length !== asked.length) return [place];
    return asked.flatMap((value, index) =>
      differencesOf(value, running[index], `${place}[${String(index)}]`),
    );
  }
  if (typeof asked === "object" && asked !== null) {
    if (typeof running !== "object" || running === null) return [place];
    const other = running as Readonly<Record<string, unknown>>;
    return Object.entries(asked).flatMap(([name, value]) =>
      differencesOf(value, other[name], place === "" ? name : `${place}.${name}`),
    );
  }
  return asked === running ? [] : [place];
}

/**
 * Why the app is not what was deployed, or not well.
 *
 * @returns one sentence for each problem; none when every instance runs, is healthy and is what was asked for
 */
export function troubleOf({ app, id }: PlacedApp, running: RunningApp | undefined): readonly string[] {
  if (running === undefined) return [`${id} is not there`];
  const problems: string[] = [];
  const { instances } = running;
  const asked = { image: app.container?.docker?.image, env: app.env, cmd: app.cmd, args: app.args };
  const { container, env, cmd, args } = running;
  const { docker } = (container ?? {}) as { readonly docker?: { readonly image?: string } };
  const differences = differencesOf(withoutUndefined(asked), { image: docker?.image, env, cmd, args });
  if (differences.length > 0) {
    problems.push(`${id} was changed by somebody else: ${differences.join(", ")}`);
  }
  if (running.tasksRunning < instances || running.tasksStaged > 0) {
    problems.push(`${id} has ${String(running.tasksRunning)} of ${String(instances)} instances running`);
  }
  const isChecked = (app.healthChecks ?? []).length > 0;
  if (isChecked && (running.tasksHealthy < instances || running.tasksUnhealthy > 0)) {
    problems.push(
      `${id} has ${String(running.tasksHealthy)} of ${String(instances)} instances healthy, ${String(running.tasksUnhealthy)} unhealthy`,
    );
  }
  return problems;
}

/** The last failure of a task that was started at `version` or later, for people; undefined when there is none. */
export function failureSince(
  { id, lastTaskFailure: failure }: RunningApp,
  version: string,
): string | undefined {
  if (failure == null || Date.parse(failure.version) < Date.parse(version)) return undefined;
  const message = failure.message === "" ? "" : `: ${failure.message}`;
  return `${id} failed at ${failure.timestamp} on ${failure.host} (${failure.state})${message}`;
}

function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
