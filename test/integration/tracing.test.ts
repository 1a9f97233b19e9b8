/** The way of records as a collector of traces sees it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { headers as natsHeaders } from "nats";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { KIND, TraceCollector } from "../support/trace-collector.js";
import type { SeenSpan } from "../support/trace-collector.js";
import { until } from "../support/until.js";

const FRAMES = 4;
const FRAME_RECORDS = 500;
const FOREIGN_TRACE = "0af7651916cd43dd8448eb211c80319c";
const FOREIGN_SPAN = "b7ad6b7169203331";

type Env = Readonly<Record<string, string>>;

describe("traces", () => {
  const folder = tempFolder();
  let nats: NatsServer;
  let collector: TraceCollector;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  const start = (command: string, env: Env): CrunchProcess =>
    new CrunchProcess(
      [command],
      { NATS_URL: nats.url, CRUNCHER: "identity", THREADS: "1", ...env },
      folder.path,
    );

  /** Ends it with SIGTERM, by which it sends what it has recorded. */
  async function end(process_: CrunchProcess): Promise<void> {
    process_.kill("SIGTERM");
    assert.deepEqual(await process_.exited, { code: 0, signal: null }, process_.stdout);
  }

  /** Crunches and stores what is published, and ends both engines when so many rows are stored. */
  async function crunchAndStore(
    env: Env,
    rows: number,
    publish: () => Promise<void> = () => Promise.resolve(),
  ): Promise<{ crunch: CrunchProcess; results: CrunchProcess }> {
    const crunch = start("engine", env);
    const results = start("results", { SINK: `duckdb:${env.NAMESPACE ?? ""}.duckdb`, ...env });
    await crunch.started();
    await publish();
    const stored = () => results.metric("results_rows_total", 'outcome="stored"');
    await until(async () => (await stored()) === rows, 60_000, `${String(rows)} rows`);
    await Promise.all([end(crunch), end(results)]);
    return { crunch, results };
  }

  /** Publishes singles as a program does that knows nothing of us. */
  async function publishSingles(namespace: string, each: readonly Env[]): Promise<void> {
    await withClient(nats.url, async (nc) => {
      for (const [index, fields] of each.entries()) {
        const payload = encodeRecord(BigInt(index), 7n, "secret meta");
        const headers = natsHeaders();
        for (const [name, value] of Object.entries(fields)) headers.set(name, value);
        await nc.request(`${namespace}.data`, payload, { headers, timeout: 10_000 });
      }
    });
  }

  it("of frames lead from the source to the row, through a batch of many", async (t) => {
    collector = await TraceCollector.start();
    t.after(() => collector.close());
    const env = {
      NAMESPACE: "frames",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: "always_on",
      BATCH_MAX_WAIT_MS: "1000",
    };
    const records = FRAMES * FRAME_RECORDS;
    const source = `synthetic:?count=${String(records)}`;
    const data = start("data", { ...env, SOURCE: source, FRAME_MAX_RECORDS: String(FRAME_RECORDS) });
    assert.equal((await data.exited).code, 0);
    const { results } = await crunchAndStore(env, records);

    const stored = collector.named("store results.frame");
    assert.equal(stored.length, FRAMES);
    for (const store of stored) assertWay(store, "frame");
    assert.equal(new Set(stored.map(({ traceId }) => traceId)).size, FRAMES);
    assertWrites(stored);
    const engineOf = ({ resource }: SeenSpan) => resource["service.name"];
    const [publish, crunch] = ["publish data.frame", "crunch data.frame"].map(
      (name) => collector.named(name)[0],
    );
    assert.ok(publish !== undefined && crunch !== undefined);
    assert.deepEqual(
      [publish, crunch, stored[0]].map((span) => span && engineOf(span)),
      ["data-engine", "crunch-engine", "results-engine"],
    );
    assert.equal(publish.resource["service.namespace"], "frames");
    assert.match(String(publish.resource["service.instance.id"]), /-\d+-[\da-f]{6}$/);
    assert.equal(publish.attributes["messaging.system"], "nats");
    assert.equal(publish.attributes["messaging.destination.name"], "frames.data.frame");
    assert.equal(publish.attributes["messaging.batch.message_count"], FRAME_RECORDS);
    const [pool] = collector.named("pool");
    assert.equal(pool?.attributes["crunch.cruncher"], "identity");
    assert.ok(Number(pool.attributes["crunch.thread_ms"]) > 0);
    assert.equal(results.lines.length, 2, results.stdout);
  });

  it("of singles go on from where another program began them, and begin here otherwise", async (t) => {
    collector = await TraceCollector.start();
    t.after(() => collector.close());
    const env = {
      NAMESPACE: "singles",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
    };
    const traceparent = `00-${FOREIGN_TRACE}-${FOREIGN_SPAN}-01`;
    // One of them is recorded by its client, one is not, and of the others the share is 0.
    const singles = [
      { traceparent, tracestate: "other=1" },
      { Traceparent: traceparent.replace(/1$/, "0") },
      { traceparent: "rubbish" },
      {},
    ];
    await crunchAndStore(env, singles.length, () => publishSingles("singles", singles));

    assert.deepEqual(new Set(collector.spans.map(({ traceId }) => traceId)), new Set([FOREIGN_TRACE]));
    const stored = collector.named("store results");
    assert.equal(stored.length, 1);
    const first = assertWay(stored[0], "single");
    assert.equal(first.parentSpanId, FOREIGN_SPAN);
    assertWrites(stored);
    assert.doesNotMatch(collector.text, /secret meta/);
  });

  it("are kept by what is parked, and named by the lines about it", async (t) => {
    collector = await TraceCollector.start();
    t.after(() => collector.close());
    const traceparent = `00-${FOREIGN_TRACE}-${FOREIGN_SPAN}-01`;
    await withClient(nats.url, async (nc) => {
      const messaging = start("engine", { NAMESPACE: "parked" });
      await messaging.started();
      await end(messaging);
      const headers = natsHeaders();
      headers.set("traceparent", traceparent);
      await nc.request("parked.data", Uint8Array.of(0xff), { headers, timeout: 10_000 });
      for (const endpoint of [undefined, collector.url]) {
        const engine = start("engine", {
          NAMESPACE: "parked",
          ...(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
        });
        await until(() => engine.lines.some(({ event }) => event === "parked"), 30_000, "the line");
        await end(engine);
        const line = engine.lines.find(({ event }) => event === "parked");
        assert.deepEqual([line?.reason, line?.trace_id], ["undecodable", FOREIGN_TRACE]);
        const jsm = await nc.jetstreamManager();
        const kept = await jsm.streams.getMessage("parked-PARKED", { last_by_subj: "parked.parked.data" });
        const given = kept.header.get("traceparent");
        assert.equal(given.slice(3, 35), FOREIGN_TRACE);
        if (endpoint === undefined) {
          assert.equal(given, traceparent, "nobody records: the client's own step is what is known");
          await nc.request("parked.data", Uint8Array.of(0xfe), { headers, timeout: 10_000 });
        } else {
          assert.equal(collector.byId(given.slice(36, 52)).name, "park parked.data");
        }
      }
    });
    const [crunch] = collector.named("crunch data");
    assert.deepEqual([crunch?.isFailed, crunch?.attributes["error.type"]], [true, "undecodable"]);
  });

  for (const kind of ["is down", "never answers"]) {
    it(`cost no record and no time when the collector ${kind}`, async (t) => {
      const hung = createServer(() => undefined).listen(0, "127.0.0.1");
      await until(() => hung.listening);
      const { port } = hung.address() as AddressInfo;
      t.after(() => hung.closeAllConnections());
      if (kind === "is down") hung.close();
      else t.after(() => hung.close());
      const namespace = kind.replace(" ", "-");
      const env = {
        NAMESPACE: namespace,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${String(port)}/v1/traces`,
        OTEL_TRACES_SAMPLER: "always_on",
      };
      const data = start("data", { ...env, SOURCE: "synthetic:?count=2000", FRAME_MAX_RECORDS: "100" });
      assert.equal((await data.exited).code, 0);
      const { crunch, results } = await crunchAndStore(env, 2_000);

      const path = join(folder.path, `${namespace}.duckdb`);
      assert.deepEqual(await queryDuckDb(path, "select count(distinct ID) as ids from results"), [
        { ids: 2_000n },
      ]);
      for (const { lines, stdout } of [data, crunch, results]) {
        assert.equal(lines.at(-1)?.event, "stopped", stdout);
        const left = lines.find(({ event }) => event === "traces_left");
        assert.ok(Number(left?.unsent) > 0, stdout);
      }
    });
  }

  /** Every step from the row back to the source, each the child of the one before. @returns the first that we made */
  function assertWay(store: SeenSpan | undefined, kind: "frame" | "single"): SeenSpan {
    assert.ok(store !== undefined);
    const suffix = kind === "frame" ? ".frame" : "";
    const published = collector.byId(store.parentSpanId);
    const crunch = collector.byId(published.parentSpanId);
    const pool = collector.named("pool").find(({ parentSpanId }) => parentSpanId === crunch.spanId);
    const way = [crunch, pool, published, store];
    assert.deepEqual(
      way.map((span) => [span?.name, span?.kind]),
      [
        [`crunch data${suffix}`, KIND.consumer],
        ["pool", KIND.internal],
        [`publish results${suffix}`, KIND.producer],
        [`store results${suffix}`, KIND.consumer],
      ],
    );
    assert.deepEqual(new Set(way.map((span) => span?.traceId)), new Set([store.traceId]));
    assert.equal(store.attributes["crunch.sink"], "duckdb");
    if (kind === "single") return crunch;
    const first = collector.byId(crunch.parentSpanId);
    assert.deepEqual([first.name, first.kind, first.parentSpanId], ["publish data.frame", KIND.producer, ""]);
    assert.equal(store.attributes["crunch.rows"], FRAME_RECORDS);
    return first;
  }

  /** Each write is in the trace of one of its messages and linked with the others, and they with it. */
  function assertWrites(stored: readonly SeenSpan[]): void {
    const members = collector.named("write").flatMap((write) => {
      const first = collector.byId(write.parentSpanId);
      const others = write.links.map((id) => collector.byId(id));
      assert.equal(write.traceId, first.traceId);
      for (const { links } of others) assert.deepEqual(links, [write.spanId]);
      assert.ok(Number(write.attributes["messaging.batch.message_count"]) >= 1 + others.length);
      return [first, ...others];
    });
    assert.deepEqual(new Set(members), new Set(stored));
  }
});
