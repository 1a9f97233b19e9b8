/** Fills `${NAME}` in texts of a JSON file, as Compose does in its files. */
import type { Env } from "../../services/shared/config.js";
import { UserError } from "../../services/shared/errors.js";

const PLACE = /\$(?:(\$)|\{([A-Z][A-Z0-9_]*)(?::([-?])([^}]*))?\})/g;

/**
 * `${NAME}` and `${NAME:?what it is}` must be given, `${NAME:-text}` has a default, `$$` is a dollar sign.
 * An empty value counts as not given. Keys stay as they are.
 *
 * @throws UserError that lists every name that is missing
 */
export function fillIn(json: unknown, env: Env): unknown {
  const missing = new Map<string, string>();
  const fillText = (text: string): string => {
    let filled = "";
    let end = 0;
    for (const place of text.matchAll(PLACE)) {
      filled += text.slice(end, place.index) + valueOf(place);
      end = place.index + place[0].length;
    }
    return filled + text.slice(end);
  };
  const valueOf = ([, dollar, name = "", kind, rest = ""]: RegExpExecArray): string => {
    if (dollar !== undefined) return "$";
    const given = env[name] ?? "";
    if (given !== "") return given;
    if (kind === "-") return rest;
    missing.set(name, kind === "?" ? `: ${rest}` : "");
    return "";
  };
  const fill = (value: unknown): unknown => {
    if (typeof value === "string") return fillText(value);
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]));
  };
  const filled = fill(json);
  if (missing.size > 0) {
    throw new UserError([...missing].map(([name, about]) => `${name} is needed in the environment${about}`));
  }
  return filled;
}
