/** A file for Marathon, checked as far as it can be without Marathon. */
import { UserError } from "../../services/shared/errors.js";
import { readApp, readGroup } from "./definition.js";
import type { Group } from "./definition.js";
import { healthRules } from "./rules/health.js";
import { networkingRules } from "./rules/networking.js";
import { absolute, checkPlaces, placeRules } from "./rules/places.js";
import type { PlacedApp, Rule } from "./rules/rule.js";
import { schedulingRules } from "./rules/scheduling.js";

export const rules: readonly Rule[] = [...networkingRules, ...healthRules, ...schedulingRules, ...placeRules];

/** What goes to Marathon. */
export interface CheckedFile {
  readonly kind: "app" | "group";
  /** Absolute id of the app or the group. */
  readonly id: string;
  /** As the file has it. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The app, or every app of the group. */
  readonly apps: readonly PlacedApp[];
}

/**
 * Checks fields and rules; what has `apps` or `groups` is a group.
 *
 * @param name of the file, for people
 * @throws UserError that lists every problem
 */
export function checkFile(json: unknown, name: string): CheckedFile {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new UserError(`${name}: must be a JSON object: an app or a group`);
  }
  const body = json as Readonly<Record<string, unknown>>;
  const kind = "apps" in body || "groups" in body ? "group" : "app";
  const read = kind === "group" ? readGroup(body) : readApp(body);
  if (isProblems(read)) throw new UserError(read.map((problem) => `${name}: ${problem}`));
  const id = absolute(read.id, "/");
  const apps = "apps" in read ? appsOf(read, "/") : [{ app: read, id, groupId: undefined }];
  const problems = apps.flatMap((placed) =>
    rules.flatMap((rule) => rule.check(placed).map((problem) => `app "${placed.id}": ${problem}`)),
  );
  if ("apps" in read) problems.push(...checkPlaces(read, apps));
  if (problems.length > 0) throw new UserError(problems.map((problem) => `${name}: ${problem}`));
  return { kind, id, body, apps };
}

function appsOf(group: Group, base: string): PlacedApp[] {
  const groupId = absolute(group.id, base);
  return [
    ...group.apps.map((app) => ({ app, id: absolute(app.id, groupId), groupId })),
    ...group.groups.flatMap((inner) => appsOf(inner, groupId)),
  ];
}

function isProblems(read: object): read is readonly string[] {
  return Array.isArray(read);
}
