/** A process that stands still while it waits for an answer finds the answer and its own timeout together. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CrunchProcess } from "../support/engine-process.js";
import { freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";

/** Longer than any timeout of a first connect. */
const PAUSE_MS = 5_000;

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

/** A way to the server that stops its client once, and lets the answer come meanwhile. */
class PausingWay {
  readonly #pauseAt: (connections: number, asked: string) => boolean;
  client: CrunchProcess | undefined;
  pauses = 0;
  port = -1;

  private constructor(pauseAt: (connections: number, asked: string) => boolean) {
    this.#pauseAt = pauseAt;
  }

  static async open(
    t: TestContext,
    pauseAt: (connections: number, asked: string) => boolean,
  ): Promise<PausingWay> {
    const way = new PausingWay(pauseAt);
    let connections = 0;
    const listener = createServer((client) => {
      connections += 1;
      const target = connect(server.port, "127.0.0.1");
      const here = connections;
      way.#look(here, "");
      client.on("data", (data) => way.#look(here, data.toString("latin1")));
      client.on("error", () => target.destroy()).on("close", () => target.destroy());
      target.on("error", () => client.destroy()).on("close", () => client.destroy());
      client.pipe(target).pipe(client);
    }).listen(0, "127.0.0.1");
    await once(listener, "listening");
    t.after(() => listener.close());
    way.port = (listener.address() as AddressInfo).port;
    return way;
  }

  #look(connections: number, asked: string): void {
    if (this.pauses > 0 || !this.#pauseAt(connections, asked)) return;
    this.pauses += 1;
    this.client?.kill("SIGSTOP");
    void delay(PAUSE_MS).then(() => this.client?.kill("SIGCONT"));
  }
}

describe(
  "an engine that is paused for longer than it waits starts all the same",
  { concurrency: true },
  () => {
    for (const [what, pauseAt] of [
      ["the first greeting", (connections: number) => connections === 1],
      ["the greeting of its connection", (connections: number) => connections === 2],
      ["what a stream is like", (_: number, asked: string) => asked.includes("$JS.API.STREAM.INFO")],
      ["what its durable is like", (_: number, asked: string) => asked.includes("$JS.API.CONSUMER.INFO")],
    ] as const) {
      test(`while it waits for ${what}`, async (t) => {
        const way = await PausingWay.open(t, pauseAt);
        const engine = new CrunchProcess(["engine"], {
          NATS_URL: `nats://127.0.0.1:${String(way.port)}`,
          NAMESPACE: freshNamespace(),
          CRUNCHER: "identity",
          THREADS: "1",
        });
        t.after(() => engine.kill("SIGKILL"));
        way.client = engine;
        await engine.started();
        assert.equal(way.pauses, 1);
        engine.kill("SIGTERM");
        assert.equal((await engine.exited).code, 0);
      });
    }
  },
);
