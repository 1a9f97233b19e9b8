import type { Group } from "../definition.js";
import type { PlacedApp, Rule } from "./rule.js";

/** An app and the group around it. */
export const placeRules: readonly Rule[] = [
  {
    name: "app-in-its-group",
    check: ({ id, groupId }) =>
      groupId === undefined || parentOf(id) === groupId
        ? []
        : [`id "${id}": must be in its group, such as ${groupId === "/" ? "" : groupId}/${lastOf(id)}`],
  },
];

/**
 * Rules over a whole group: ids, and dependencies that exist and come to an end.
 *
 * @param apps every app of the group and of the groups in it
 * @returns one sentence for each problem
 */
export function checkPlaces(group: Group, apps: readonly PlacedApp[]): readonly string[] {
  const problems: string[] = [];
  const ids = apps.map(({ id }) => id);
  for (const id of new Set(ids.filter((each, index) => ids.indexOf(each) !== index))) {
    problems.push(`app "${id}": must be there once`);
  }
  const needs = new Map<string, readonly string[]>();
  const root = absolute(group.id, "/");
  for (const { app, id } of apps) {
    const wanted = (app.dependencies ?? []).map((each) => absolute(each, parentOf(id)));
    const isThere = (each: string): boolean => ids.some((other) => isWithin(other, each));
    for (const each of wanted) {
      if (isWithin(each, root) && !isThere(each)) {
        problems.push(`app "${id}": dependencies: "${each}": must be an app or a group of ${root}`);
      }
    }
    needs.set(
      id,
      wanted.flatMap((each) => ids.filter((other) => isWithin(other, each))),
    );
  }
  for (const id of ids) {
    if (isNeededBy(id, needs))
      problems.push(`app "${id}": dependencies: must not lead back to the app itself`);
  }
  return problems;
}

/** Absolute form of an id that may be relative to a group. */
export function absolute(id: string, base: string): string {
  const segments = id.startsWith("/") ? [] : base.split("/").filter(Boolean);
  for (const segment of id.split("/").filter(Boolean)) {
    if (segment === "..") segments.pop();
    else if (segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

function isWithin(id: string, other: string): boolean {
  return id === other || id.startsWith(other === "/" ? "/" : `${other}/`);
}

function parentOf(id: string): string {
  return id.slice(0, id.lastIndexOf("/")) || "/";
}

function lastOf(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}

function isNeededBy(id: string, needs: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const waiting = [...(needs.get(id) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === id) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...(needs.get(next) ?? []));
  }
  return false;
}
