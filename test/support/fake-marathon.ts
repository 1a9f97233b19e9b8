/** Marathon's API v2 in this process, as far as deploying and scaling use it, with its failures. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MarathonCluster, isWithin } from "./marathon-cluster.js";
import type { App, Json } from "./marathon-cluster.js";

/** One request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: Json;
}

/** What happens to one request instead of what should. */
export type Fault =
  | { readonly status: number; readonly text: string }
  /** The connection breaks. */
  | "breaks"
  /** Nothing is ever answered. */
  | "is silent"
  /** It is done, and the connection breaks before the answer. */
  | "loses the answer";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class FakeMarathon {
  readonly cluster = new MarathonCluster();
  readonly requests: SeenRequest[] = [];
  /** Header that every request must have. */
  authorization: string | undefined;
  readonly #faults: { readonly path: RegExp; readonly fault: Fault; times: number }[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<FakeMarathon> {
    const fake = new FakeMarathon();
    fake.#server.listen(0, "127.0.0.1");
    await once(fake.#server, "listening");
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /**
   * @param call such as `PUT /v2/apps`, matched against method and path
   * @param times how many requests it happens to
   */
  fail(call: RegExp, fault: Fault, times = 1): void {
    this.#faults.push({ path: call, fault, times });
  }

  /** Requests that change something. */
  get changes(): readonly SeenRequest[] {
    return this.requests.filter(({ method, query }) => method !== "GET" && query.get("dryRun") !== "true");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const text = Buffer.concat(chunks).toString();
    const seen = {
      method: request.method ?? "GET",
      path: pathname.replace(/\/$/, ""),
      query: searchParams,
      authorization: request.headers.authorization,
      body: (text === "" ? {} : JSON.parse(text)) as Json,
    };
    this.requests.push(seen);
    const fault = this.#faultFor(`${seen.method} ${seen.path}`);
    if (fault === "is silent") return;
    if (fault === "breaks") {
      response.destroy();
      return;
    }
    if (typeof fault === "object") {
      response.writeHead(fault.status, { "content-type": "application/json" }).end(fault.text);
      return;
    }
    const { status, body } = this.#answer(seen);
    if (fault === "loses the answer") {
      response.destroy();
      return;
    }
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  #faultFor(call: string): Fault | undefined {
    const found = this.#faults.find(({ path, times }) => times > 0 && path.test(call));
    if (found !== undefined) found.times -= 1;
    return found?.fault;
  }

  #answer(seen: SeenRequest): Answer {
    if (this.authorization !== undefined && seen.authorization !== this.authorization) {
      return { status: 401, body: { message: "Invalid username or password." } };
    }
    const [, collection = "", rest = ""] = /^\/v2\/(apps|groups|deployments)(\/.*)?$/.exec(seen.path) ?? [];
    const id = rest.replace(/^\/+/, "/");
    switch (collection) {
      case "deployments":
        return this.#deployments(seen, id.slice(1));
      case "apps":
        return this.#apps(seen, id);
      case "groups":
        return this.#groups(seen, id);
      default:
        return { status: 404, body: { message: `URI not found: ${seen.path}` } };
    }
  }

  #deployments({ method, query }: SeenRequest, id: string): Answer {
    if (method === "GET") return { status: 200, body: this.cluster.lookAtDeployments() };
    const found = this.cluster.deployments.find((each) => each.id === id);
    if (found === undefined) return { status: 404, body: { message: `DeploymentPlan ${id} does not exist` } };
    if (query.get("force") === "true") return { status: 202, body: {} };
    return this.#start(found.before, true);
  }

  #apps({ method, query, body }: SeenRequest, id: string): Answer {
    const { apps } = this.cluster;
    const now = apps.get(id);
    if (method === "GET") {
      const app = this.cluster.show(id);
      return app === undefined ? unknown("App", id) : { status: 200, body: { app } };
    }
    const isForced = query.get("force") === "true";
    if (method === "DELETE") {
      if (now === undefined) return unknown("App", id);
      return this.#start(new Map([...apps].filter(([each]) => each !== id)), isForced);
    }
    if (typeof body.version === "string") {
      const before = this.cluster.appsAt(body.version)?.get(id);
      if (before === undefined) return unknown("App", id);
      return this.#start(new Map(apps).set(id, before), isForced);
    }
    const isPartial = query.get("partialUpdate") !== "false";
    const app = { instances: 1, ...(isPartial ? now : {}), ...body, id, version: "" };
    return this.#start(new Map(apps).set(id, app), isForced);
  }

  #groups({ method, query, body }: SeenRequest, id: string): Answer {
    const { apps } = this.cluster;
    const version = this.cluster.versionOfGroup(id);
    if (method === "GET") {
      return version === undefined
        ? unknown("Group", id)
        : { status: 200, body: { id, version, apps: [], groups: [] } };
    }
    const isForced = query.get("force") === "true";
    const others = new Map([...apps].filter(([each]) => !isWithin(each, id)));
    if (method === "DELETE")
      return version === undefined ? unknown("Group", id) : this.#start(others, isForced);
    let within: ReadonlyMap<string, App> | undefined;
    if (typeof body.version === "string") {
      const then = this.cluster.appsAt(body.version);
      within = then && new Map([...then].filter(([each]) => isWithin(each, id)));
      if (within === undefined) return unknown("Group", id);
    } else {
      within = appsOf(body, id);
    }
    const wanted = new Map([...others, ...within]);
    if (query.get("dryRun") !== "true") return this.#start(wanted, isForced);
    const steps = this.cluster
      .plan(wanted)
      .map((actions) => ({ actions: actions.map(({ action, app }) => ({ type: action, app })) }));
    return { status: 200, body: { steps } };
  }

  #start(apps: ReadonlyMap<string, App>, isForced: boolean): Answer {
    const locked = this.cluster.lockedBy(apps);
    if (locked.length > 0 && !isForced) {
      const message =
        "App is locked by one or more deployments. Override with the option '?force=true'. " +
        "View details at '/v2/deployments/<DEPLOYMENT_ID>'.";
      return { status: 409, body: { message, deployments: locked.map(({ id }) => ({ id })) } };
    }
    const { id, version } = this.cluster.start(apps, this.cluster.newVersion());
    return { status: 200, body: { version, deploymentId: id } };
  }
}

function appsOf(group: Json, groupId: string): Map<string, App> {
  const found = new Map<string, App>();
  const absolute = (id: unknown): string =>
    String(id).startsWith("/") ? String(id) : `${groupId}/${String(id)}`;
  for (const app of (group.apps ?? []) as readonly Json[]) {
    const id = absolute(app.id);
    found.set(id, { instances: 1, ...app, id, version: "" });
  }
  for (const inner of (group.groups ?? []) as readonly Json[]) {
    for (const [id, app] of appsOf(inner, absolute(inner.id))) found.set(id, app);
  }
  return found;
}

function unknown(kind: string, id: string): Answer {
  return { status: 404, body: { message: `${kind} '${id}' does not exist` } };
}
