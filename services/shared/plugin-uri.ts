import { UserError } from "./errors.js";

/** `scheme:path?name=value&...`: how a source, cruncher or sink is named. */
export interface PluginUri {
  readonly scheme: string;
  readonly path: string;
  readonly params: ReadonlyMap<string, string>;
  /** As the user wrote it, for messages. */
  readonly text: string;
}

/**
 * Splits a plug-in URI. `+` stays `+` and a `%` that starts no escape stays `%`, because values
 * may be SQL expressions; `&` inside a value is written `%26`.
 *
 * @param setting name of the setting the text came from, for messages
 * @throws UserError when there is no scheme or a parameter is given twice
 */
export function parsePluginUri(setting: string, text: string): PluginUri {
  const match = /^([a-z][a-z0-9-]*):([^?]*)(?:\?(.*))?$/s.exec(text);
  if (match === null) {
    throw new UserError(`${setting}="${text}": must look like scheme:path?name=value`);
  }
  const params = new Map<string, string>();
  for (const pair of (match[3] ?? "").split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (params.has(name)) throw new UserError(`${setting}="${text}": parameter ${name} is given twice`);
    params.set(name, unescape(equals < 0 ? "" : pair.slice(equals + 1)));
  }
  return { scheme: match[1] ?? "", path: unescape(match[2] ?? ""), params, text };
}

/** @throws UserError when the URI has a parameter that is not in `known`. */
export function allowParams(setting: string, uri: PluginUri, known: readonly string[]): void {
  for (const name of uri.params.keys()) {
    if (known.includes(name)) continue;
    const list = known.length === 0 ? "no parameters" : known.join(", ");
    throw new UserError(`${setting}="${uri.text}": unknown parameter ${name}; ${uri.scheme}: takes ${list}`);
  }
}

/** Reads a whole-number parameter. @throws UserError when it is not one or out of range. */
export function integerParam(
  setting: string,
  uri: PluginUri,
  name: string,
  limits: { min: number; max: number; default: number },
): number {
  const value = uri.params.get(name);
  if (value === undefined) return limits.default;
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || number < limits.min || number > limits.max) {
    throw new UserError(
      `${setting}="${uri.text}": ${name}=${value} must be a whole number from ${String(limits.min)} to ${String(limits.max)}`,
    );
  }
  return number;
}

function unescape(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
