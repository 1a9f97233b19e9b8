import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "./errors.js";
import type { Registry } from "./metrics.js";

/** How one part of an engine is doing. */
export interface ComponentState {
  readonly ok: boolean;
  readonly detail: string;
}

/** Asks `/metrics` for one metric, given again for each; of many Prometheus exporters. */
export const NAME_PARAMETER = "name[]";

/** `/metrics`, `/livez` and `/readyz` of one engine. */
export class HealthServer {
  readonly #components = new Map<string, () => ComponentState>();
  readonly #server: Server;

  constructor(registry: Registry) {
    this.#server = createServer((request, response) => {
      void this.#answer(registry, request, response);
    });
  }

  /** Adds a component to `/readyz`; asked at each request. */
  watch(component: string, state: () => ComponentState): void {
    this.#components.set(component, state);
  }

  /**
   * @returns the port, useful when `port` is 0
   * @throws UserError when the address is taken or not this machine's
   */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be listened on (${error.message})`;
        reject(
          new UserError(`HTTP_PORT=${String(port)}: ${host}:${String(port)} ${why}; 0 takes any free port`),
        );
      });
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(registry: Registry, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, query] = (request.url ?? "/").split("?");
    switch (path) {
      case "/metrics":
        response.setHeader("content-type", registry.contentType);
        response.end(await metricsOf(registry, new URLSearchParams(query).getAll(NAME_PARAMETER)));
        return;
      case "/livez":
        sendJson(response, 200, { ok: true });
        return;
      case "/readyz": {
        const components = Object.fromEntries([...this.#components].map(([name, state]) => [name, state()]));
        const ok = Object.values(components).every((component) => component.ok);
        sendJson(response, ok ? 200 : 503, { ok, components });
        return;
      }
      default:
        sendJson(response, 404, { ok: false, detail: "use /metrics, /livez or /readyz" });
    }
  }
}

/** All metrics, or those of the names that there are: collecting all takes some milliseconds. */
async function metricsOf(registry: Registry, names: readonly string[]): Promise<string> {
  if (names.length === 0) return registry.metrics();
  const known = names.filter((name) => registry.getSingleMetric(name) !== undefined);
  const texts = await Promise.all(known.map((name) => registry.getSingleMetricAsString(name)));
  return texts.map((text) => `${text}\n`).join("");
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body) + "\n");
}
