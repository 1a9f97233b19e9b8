/** The monitoring port of a nats-server: what a client connection is not told. */
import { messageOf } from "../shared/errors.js";

/** What `/varz` says. */
export interface MonitoringLook {
  /** Whether each write is flushed to the disk before it is confirmed. */
  readonly syncAlways: boolean;
  /** Undefined where the server does not tell. */
  readonly syncIntervalMs: number | undefined;
  /** The message store, a path on the server's machine. */
  readonly storeFolder: string | undefined;
}

const TIMEOUT_MS = 2_000;
const NS_PER_MS = 1_000_000;
const DEFAULT_PORT = 8_222;

/** Where a server that was told nothing else is asked. */
export function defaultMonitoringUrl(host: string): string {
  return `http://${host}:${String(DEFAULT_PORT)}`;
}

/**
 * @param serverId the server that we are connected to; monitoring of another one says nothing about it
 * @returns why nothing is known, as text
 */
export async function lookAtMonitoring(url: string, serverId: string): Promise<MonitoringLook | string> {
  try {
    const response = await fetch(new URL("/varz", url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const varz = (await response.json()) as {
      server_id?: string;
      jetstream?: { config?: { sync_interval?: number; sync_always?: boolean; store_dir?: string } };
    };
    if (varz.server_id !== serverId) return `${url} is the monitoring port of another server`;
    const { sync_interval, sync_always, store_dir } = varz.jetstream?.config ?? {};
    return {
      syncAlways: sync_always === true,
      syncIntervalMs: sync_interval === undefined ? undefined : sync_interval / NS_PER_MS,
      storeFolder: store_dir,
    };
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    return `no answer from the monitoring port at ${url} (${messageOf(cause)}); --monitoring-url names another`;
  }
}
