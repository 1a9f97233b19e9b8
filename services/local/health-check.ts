import { UserError, messageOf } from "../shared/errors.js";
import type { ComponentState } from "../shared/health.js";

/** What `/readyz` says; an engine that cannot be reached has the one component `http`. */
export interface HealthAnswer {
  readonly ok: boolean;
  readonly components: Readonly<Record<string, ComponentState>>;
}

const TIMEOUT_MS = 5_000;

/**
 * Asks one engine whether it is ready.
 *
 * @throws UserError when `url` is no http address
 */
export async function askHealth(url: string): Promise<HealthAnswer> {
  const address = URL.canParse("/readyz", url) ? new URL("/readyz", url) : undefined;
  if (address === undefined || !["http:", "https:"].includes(address.protocol)) {
    throw new UserError(`--url="${url}": must look like http://HOST:PORT`);
  }
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { ok, components } = (await response.json()) as Partial<HealthAnswer>;
    if (typeof ok === "boolean" && components !== undefined) return { ok, components };
    return notReachable(`${address.href} answers ${String(response.status)}, but is no engine of ours`);
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    return notReachable(`${address.href}: ${messageOf(cause ?? thrown)}`);
  }
}

/** One line a component: `ok  nats  connected`. */
export function healthTable(answer: HealthAnswer): string {
  const names = Object.keys(answer.components);
  const width = Math.max(0, ...names.map((name) => name.length));
  return Object.entries(answer.components)
    .map(([name, { ok, detail }]) => `${ok ? "ok    " : "not ok"}  ${name.padEnd(width)}  ${detail}\n`)
    .join("");
}

function notReachable(detail: string): HealthAnswer {
  return { ok: false, components: { http: { ok: false, detail } } };
}
