/** What Marathon and the engines themselves say, for one decision. */
import { UserError, messageOf } from "../../services/shared/errors.js";
import { parseMetrics, sumOf } from "../../services/shared/metrics-text.js";
import type { Sample } from "../../services/shared/metrics-text.js";
import type { RunningApp } from "../api/answers.js";
import type { ThreadsLook } from "./busy-time.js";
import type { Marathon } from "../api/marathon.js";

const TIMEOUT_MS = 5_000;

export interface PipelineLook {
  readonly engines: number;
  readonly changedAtMs: number;
  readonly drainSeconds: number | undefined;
  readonly threads: readonly ThreadsLook[];
  /** Why something is not known, for people. */
  readonly troubles: readonly string[];
  /** Deployments that change the crunch-engines. */
  readonly deployments: readonly string[];
}

/**
 * Reads `crunch_drain_seconds` of every results-engine that is ready, and how busy every crunch-engine is,
 * at the addresses that Marathon gave them: nothing else must be running.
 *
 * @throws MarathonError; UserError when there is no such app
 */
export async function lookAtPipeline(
  marathon: Marathon,
  apps: { readonly crunch: string; readonly results: string },
): Promise<PipelineLook> {
  const crunch = await appOf(marathon, apps.crunch, "CRUNCH_APP");
  const results = await appOf(marathon, apps.results, "RESULTS_APP");
  const troubles: string[] = [];
  const told = async <T>(look: Promise<T>): Promise<T | undefined> => {
    try {
      return await look;
    } catch (thrown) {
      troubles.push(messageOf(thrown));
      return undefined;
    }
  };
  const drains = await Promise.all(addressesOf(results).map((address) => told(drainSecondsAt(address))));
  const threads = await Promise.all(addressesOf(crunch).map((address) => told(threadsAt(address))));
  const known = drains.filter((each) => each !== undefined);
  if (drains.length === 0) troubles.push(`${apps.results} has no running task with a port`);
  return {
    engines: crunch.instances,
    changedAtMs: Date.parse(crunch.versionInfo?.lastScalingAt ?? crunch.version),
    drainSeconds: known.length === 0 ? undefined : Math.max(...known),
    threads: threads.filter((each) => each !== undefined),
    troubles,
    deployments: crunch.deployments.map(({ id }) => id),
  };
}

async function appOf(marathon: Marathon, id: string, setting: string): Promise<RunningApp> {
  const app = await marathon.app(id);
  if (app === undefined) throw new UserError(`${setting}="${id}": Marathon has no such app`);
  return app;
}

function addressesOf({ tasks }: RunningApp): readonly string[] {
  return tasks
    .filter(({ ports, state = "TASK_RUNNING" }) => ports.length > 0 && state === "TASK_RUNNING")
    .map(
      ({ host, ports: [port = 0] }) => `http://${host.includes(":") ? `[${host}]` : host}:${String(port)}`,
    );
}

/** Of an engine that is ready: while NATS is away or the sink is paused, it shows what was before. */
async function drainSecondsAt(address: string): Promise<number> {
  const ready = await get(`${address}/readyz`);
  if (!ready.ok) throw new Error(`${address} is not ready`);
  return valueOf(await metricsAt(address), "crunch_drain_seconds", address);
}

async function threadsAt(address: string): Promise<ThreadsLook> {
  const samples = await metricsAt(address);
  const startedAt = valueOf(samples, "process_start_time_seconds", address);
  return {
    process: `${address} ${String(startedAt)}`,
    threads: valueOf(samples, "crunch_threads", address),
    jobsInHand: valueOf(samples, "crunch_jobs_in_hand", address),
    crunchSeconds: valueOf(samples, "crunch_duration_seconds_sum", address),
  };
}

async function metricsAt(address: string): Promise<readonly Sample[]> {
  const response = await get(`${address}/metrics`);
  if (!response.ok) throw new Error(`${address}/metrics answers ${String(response.status)}`);
  return parseMetrics(await response.text());
}

function valueOf(samples: readonly Sample[], name: string, address: string): number {
  if (!samples.some((sample) => sample.name === name)) throw new Error(`${address}/metrics has no ${name}`);
  return sumOf(samples, name);
}

async function get(url: string): Promise<Response> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
    throw new Error(`${url}: ${messageOf(cause)}`, { cause: thrown });
  }
}
