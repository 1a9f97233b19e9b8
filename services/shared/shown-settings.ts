import type { Env } from "./config.js";
import { parseNatsUrl } from "./nats/address.js";

/** Settings of such names hold secrets, whatever their values look like. */
const SECRET_NAME = /SEED|PASSWORD|SECRET|TOKEN|KEY$|HEADERS/;

/**
 * The settings that somebody gave, as a log line may show them: without secrets.
 *
 * @param settings read from `env`, which names those that were given
 */
export function shownSettings(
  settings: Readonly<Record<string, unknown>>,
  env: Env,
): Readonly<Record<string, unknown>> {
  const given = Object.entries(settings).filter(([name]) => (env[name] ?? "") !== "");
  return Object.fromEntries(given.map(([name, value]) => [name, shownValue(name, value)]));
}

function shownValue(name: string, value: unknown): unknown {
  if (SECRET_NAME.test(name)) return "***";
  if (typeof value !== "string") return value;
  return name === "NATS_URL" ? parseNatsUrl(value).shown : withoutCredentials(value);
}

/** `***` for user and password of each address in a text. */
export function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^?#,\s]*@/g, "://***@");
}
