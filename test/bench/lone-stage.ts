/** One engine at a time over a real nats-server, so that each stage has the machine for itself. */
import { connect } from "nats";
import type { JetStreamManager, NatsConnection } from "nats";
import { fileURLToPath } from "node:url";
import { MALLOC_DEFAULTS } from "../../services/local/engine-environment.js";
import { cpuMsOf } from "../support/cpu-time.js";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

export const FLIGHTS = 3_000_000;
export const FLIGHTS_FILE = fileURLToPath(
  new URL("../../../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url),
);
export const FLIGHT_COLUMNS = "data=distance&meta=origin || '-' || destination";
export const FLIGHTS_SOURCE = `file:${FLIGHTS_FILE}?${FLIGHT_COLUMNS}`;

const STAGE_MS = 600_000;
const DURABLES = { DATA: "crunch", RESULTS: "results" } as const;

/** A nats-server, or several. */
interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

type Env = Readonly<Record<string, string>>;

export class LoneStages {
  readonly #folder = tempFolder();
  readonly #server: Server;
  readonly nc: NatsConnection;
  readonly #jsm: JetStreamManager;

  private constructor(server: Server, nc: NatsConnection, jsm: JetStreamManager) {
    this.#server = server;
    this.nc = nc;
    this.#jsm = jsm;
  }

  /** @param given what NATS runs on, to be stopped with the stages; one server unless given */
  static async start(given?: Server): Promise<LoneStages> {
    const server = given ?? (await NatsServer.start());
    const nc = await connect({ servers: server.url });
    return new LoneStages(server, nc, await nc.jetstreamManager());
  }

  /** Runs a data-engine to the end of its source. @returns milliseconds from start line to the end */
  async publish(env: Env): Promise<number> {
    const engine = this.#engine("data", env);
    await engine.started();
    const startedAtMs = performance.now();
    const { code } = await engine.exited;
    if (code !== 0) throw new Error(`data-engine ended with ${String(code)}: ${engine.stderr}`);
    return performance.now() - startedAtMs;
  }

  /** Runs a crunch-engine until DATA is finished. @returns milliseconds from start line to the last ack */
  crunch(env: Env): Promise<number> {
    return this.#untilFinished("engine", env, "DATA");
  }

  /**
   * Runs several crunch-engines until DATA is finished.
   *
   * @returns milliseconds from their start lines to the last ack, and the CPU time that they took meanwhile
   */
  async crunchBy(engineCount: number, env: Env): Promise<{ spentMs: number; cpuMs: number }> {
    const engines = Array.from({ length: engineCount }, () => this.#engine("engine", env));
    await Promise.all(engines.map((engine) => engine.started()));
    const startedAtMs = performance.now();
    const isFinished = async () => (await this.unfinished("DATA")) === 0;
    await until(isFinished, STAGE_MS, "the end of DATA");
    const spentMs = performance.now() - startedAtMs;
    const cpuSeconds = await Promise.all(engines.map((engine) => engine.metric("process_cpu_seconds_total")));
    for (const engine of engines) engine.kill("SIGTERM");
    await Promise.all(engines.map((engine) => engine.exited));
    return { spentMs, cpuMs: 1_000 * cpuSeconds.reduce((sum, seconds) => sum + seconds, 0) };
  }

  /** Runs a results-engine until RESULTS is finished. @returns milliseconds from start line to the last ack */
  store(env: Env): Promise<number> {
    return this.#untilFinished("results", env, "RESULTS");
  }

  /**
   * CPU time of an engine from its start line until it has nothing left to do, in milliseconds.
   *
   * @param give done once it runs: what there is for it to do
   */
  async cpuMs(
    command: "data" | "engine" | "results",
    env: Env,
    give: () => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    const engine = this.#engine(command, env);
    await engine.started();
    const before = (await cpuMsOf(engine.pid)) ?? 0;
    await give();
    let latest = before;
    const hasEnded = async (): Promise<boolean> => {
      // A data-engine ends by itself, and tells nothing from then on.
      latest = (await cpuMsOf(engine.pid)) ?? latest;
      if (engine.ended) return true;
      const stream = command === "engine" ? "DATA" : "RESULTS";
      return command !== "data" && (await this.unfinished(stream, env.NAMESPACE)) === 0;
    };
    await until(hasEnded, STAGE_MS, `the end of ${command}`);
    engine.kill("SIGTERM");
    const { code } = await engine.exited;
    if (code !== 0) throw new Error(`${command} ended with ${String(code)}: ${engine.stderr}`);
    return latest - before;
  }

  /** An engine of this server; the caller ends it. */
  start(command: "engine" | "results", env: Env): CrunchProcess {
    return this.#engine(command, env);
  }

  /** Messages that a stage has not finished; undefined until it has a durable. */
  async unfinished(stream: "DATA" | "RESULTS", namespace?: string): Promise<number | undefined> {
    const name = nameOf(stream, namespace);
    try {
      const { num_pending, num_ack_pending } = await this.#jsm.consumers.info(name, DURABLES[stream]);
      return num_pending + num_ack_pending;
    } catch {
      return undefined;
    }
  }

  /** What the messages of a stream take on disk. */
  async storedBytes(stream: "DATA" | "RESULTS", namespace?: string): Promise<number> {
    return (await this.#jsm.streams.info(nameOf(stream, namespace))).state.bytes;
  }

  async stop(): Promise<void> {
    await this.nc.close();
    await this.#server.stop();
    this.#folder.remove();
  }

  async #untilFinished(command: "engine" | "results", env: Env, stream: "DATA" | "RESULTS"): Promise<number> {
    const engine = this.#engine(command, env);
    await engine.started();
    const startedAtMs = performance.now();
    const isFinished = async () => engine.ended || (await this.unfinished(stream, env.NAMESPACE)) === 0;
    await until(isFinished, STAGE_MS, `the end of ${stream}`);
    const spentMs = performance.now() - startedAtMs;
    engine.kill("SIGTERM");
    const { code } = await engine.exited;
    if (code !== 0) throw new Error(`${command} ended with ${String(code)}: ${engine.stderr}`);
    return spentMs;
  }

  #engine(command: string, env: Env): CrunchProcess {
    const malloc = command === "results" ? MALLOC_DEFAULTS["results-engine"] : {};
    return new CrunchProcess(
      [command],
      { NATS_URL: this.#server.url, HTTP_PORT: "0", ...malloc, ...env },
      this.#folder.path,
    );
  }
}

function nameOf(stream: "DATA" | "RESULTS", namespace: string | undefined): string {
  return namespace === undefined ? stream : `${namespace}-${stream}`;
}
