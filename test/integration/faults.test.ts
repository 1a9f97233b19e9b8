import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const RECORDS = 400_000;
const ENGINES = ["data", "engine", "results"] as const;
type EngineName = (typeof ENGINES)[number];

/** The trio over one nats-server, any of which can be ended and started again. */
class Trio {
  readonly #env: Readonly<Record<string, string>>;
  readonly #cwd: string;
  readonly engines = new Map<EngineName, CrunchProcess>();

  constructor(natsUrl: string, cwd: string, namespace: string) {
    this.#cwd = cwd;
    this.#env = {
      NATS_URL: natsUrl,
      NAMESPACE: namespace,
      RUN_ID: namespace,
      // Paced, or the source would be at its end before the first rows are stored.
      SOURCE: `synthetic:?count=${String(RECORDS)}&rate=100000`,
      CRUNCHER: "identity",
      SINK: `duckdb:${namespace}.duckdb`,
      BATCH_MAX_ROWS: "20000",
      RESEND_AFTER_MS: "2000",
    };
  }

  start(name: EngineName): CrunchProcess {
    const engine = new CrunchProcess([name], this.#env, this.#cwd);
    this.engines.set(name, engine);
    return engine;
  }

  get(name: EngineName): CrunchProcess {
    const engine = this.engines.get(name);
    if (engine === undefined) throw new Error(`${name} was never started`);
    return engine;
  }

  /** However the test ends, it leaves no process behind. */
  kill(): void {
    for (const engine of this.engines.values()) engine.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    for (const engine of this.engines.values()) engine.kill("SIGTERM");
    await Promise.all([...this.engines.values()].map((engine) => engine.exited));
  }

  /** Rows in the table as this results-engine and those before it counted them. */
  stored(): Promise<number> {
    return this.get("results").metric("results_rows_total", 'outcome="stored"');
  }
}

describe("an engine that ends in mid-run", () => {
  const folder = tempFolder();
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  for (const victim of ENGINES) {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      it(`loses and doubles nothing: ${victim} by ${signal}`, async (t) => {
        const namespace = `${victim}-${signal}`;
        const trio = new Trio(nats.url, folder.path, namespace);
        t.after(() => trio.kill());
        for (const name of ["results", "engine"] as const) await trio.start(name).started();
        trio.start("data");
        await until(async () => (await trio.stored()) > 20_000, 30_000, "20,000 rows");

        const dying = trio.get(victim);
        dying.kill(signal);
        const { code } = await dying.exited;
        if (signal === "SIGTERM") assert.equal(code, 0, dying.stdout);
        const revived = trio.start(victim);
        if (victim !== "data") await revived.started();
        const data = trio.get("data");
        await until(() => data.ended, 60_000, "the end of the source");
        await until(async () => (await trio.stored()) >= RECORDS, 60_000, `${String(RECORDS)} rows`);
        await trio.stop();

        const totals = trio.get("results").stopped;
        assert.equal(totals?.stored, RECORDS);
        assert.equal(totals.repeats, 0);
        assert.equal(data.stopped?.published, RECORDS);
        const [row] = await queryDuckDb(
          join(folder.path, `${namespace}.duckdb`),
          "select count(*) n, count(distinct ID) ids, count(*) filter (RData <> Data) wrong from results",
        );
        assert.deepEqual(row, { n: BigInt(RECORDS), ids: BigInt(RECORDS), wrong: 0n });
      });
    }
  }
});
