import type { CheckedFile } from "../definition/check.js";
import type { Marathon } from "../api/marathon.js";
import { absolute } from "../definition/rules/places.js";

type Json = Readonly<Record<string, unknown>>;

/** The file's body, with the instances of what runs already: what `scale` chose is not undone. */
export async function withInstances({ kind, body, apps }: CheckedFile, marathon: Marathon): Promise<Json> {
  const running = new Map<string, number>();
  for (const { id } of apps) {
    const instances = (await marathon.app(id))?.instances;
    if (instances !== undefined) running.set(id, instances);
  }
  return kind === "app" ? appWith(body, "/", running) : groupWith(body, "/", running);
}

function groupWith(group: Json, base: string, running: ReadonlyMap<string, number>): Json {
  const id = absolute(String(group.id), base);
  return {
    ...group,
    ...(group.apps === undefined ? {} : { apps: listOf(group.apps).map((app) => appWith(app, id, running)) }),
    ...(group.groups === undefined
      ? {}
      : { groups: listOf(group.groups).map((inner) => groupWith(inner, id, running)) }),
  };
}

function appWith(app: Json, base: string, running: ReadonlyMap<string, number>): Json {
  const instances = running.get(absolute(String(app.id), base));
  return instances === undefined ? app : { ...app, instances };
}

/** The file was checked, so it is one. */
function listOf(value: unknown): readonly Json[] {
  return value as readonly Json[];
}
