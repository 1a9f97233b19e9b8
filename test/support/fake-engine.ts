import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Task } from "./marathon-cluster.js";

/** `/metrics` and `/readyz` of an engine that says what a test wants. */
export class FakeEngine {
  /** Values by name. */
  metrics: Readonly<Record<string, number>> = {};
  isReady = true;
  /** Headers `Authorization` that it was sent. */
  readonly authorizations: string[] = [];
  readonly #server = createServer((request, response) => {
    if (request.headers.authorization !== undefined) this.authorizations.push(request.headers.authorization);
    if (request.url === "/readyz") {
      response.writeHead(this.isReady ? 200 : 503).end("{}");
      return;
    }
    const line = ([name, value]: [string, number]): string =>
      `${name}{service="fake"} ${value === Infinity ? "+Inf" : String(value)}\n`;
    response.end(Object.entries(this.metrics).map(line).join(""));
  });

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine();
    engine.#server.listen(0, "127.0.0.1");
    await once(engine.#server, "listening");
    return engine;
  }

  get task(): Task {
    return { host: "127.0.0.1", ports: [(this.#server.address() as AddressInfo).port] };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
