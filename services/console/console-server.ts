/** The page and its JSON over HTTP. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { AddressInfo } from "node:net";
import { UserError, messageOf } from "../shared/errors.js";
import type { ComponentState } from "../shared/health.js";
import type { ConsoleLook } from "./console-look.js";
import type { PageFile } from "./page-files.js";
import { parkedDetail, parkedList, replayOne } from "./parked-look.js";
import type { ParkedSource } from "./parked-look.js";
import type { TokenGate } from "./token-gate.js";

/** Nothing is loaded from elsewhere, nothing is inline, nothing is sent elsewhere. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

export interface ConsoleParts {
  readonly files: ReadonlyMap<string, PageFile>;
  readonly gate: TokenGate;
  readonly parked: ParkedSource;
  /** @param afterMs leaves out the history that is not later */
  readonly look: (afterMs: number) => ConsoleLook;
  readonly health: () => ComponentState;
  /** Hears of every replay. */
  readonly note: (line: string) => void;
}

/** What is answered: JSON, or a file of the page. */
interface Answer {
  readonly status: number;
  readonly body: PageFile | object;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ConsoleServer {
  readonly #parts: ConsoleParts;
  readonly #server: Server;
  #isLocal = true;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  /**
   * @returns the port, useful when `port` is 0
   * @throws UserError when the address is taken or not this machine's
   */
  async listen(host: string, port: number): Promise<number> {
    this.#isLocal = isLoopback(host);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be listened on (${error.message})`;
        const where = `${host}:${String(port)}`;
        reject(new UserError(`CONSOLE_PORT=${String(port)}: ${where} ${why}; 0 takes any free port`));
      });
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (thrown) {
      answer = problem(503, messageOf(thrown));
    }
    const { status, body, headers } = answer;
    const isFile = "contentType" in body;
    response.writeHead(status, {
      ...HEADERS,
      ...headers,
      "content-type": isFile ? body.contentType : "application/json",
    });
    if (request.method === "HEAD") response.end();
    else response.end(isFile ? body.body : `${JSON.stringify(body)}\n`);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    // A site that gives its own name the address of this machine would be same-origin otherwise.
    if (this.#isLocal && !isLocalName(request.headers.host)) {
      return problem(421, "this console answers under the name of its own machine only: localhost");
    }
    const address = `http://console${request.url ?? "/"}`;
    if (!URL.canParse(address)) return NOT_FOUND;
    const url = new URL(address);
    const [, sequence, replayed] = /^\/api\/parked\/([1-9]\d{0,14})(\/replay)?$/.exec(url.pathname) ?? [];
    if (replayed !== undefined) {
      if (request.method !== "POST") return wrongMethod("POST");
      return await this.#replay(Number(sequence), request.headers.authorization);
    }
    const isKnown = sequence !== undefined || this.#parts.files.has(url.pathname) || url.pathname in GETS;
    if (!isKnown) return NOT_FOUND;
    if (request.method !== "GET" && request.method !== "HEAD") return wrongMethod("GET, HEAD");
    if (sequence !== undefined) {
      const detail = await parkedDetail(this.#parts.parked, Number(sequence));
      return detail === undefined ? problem(404, `${sequence} is not parked (any more)`) : ok(detail);
    }
    const file = this.#parts.files.get(url.pathname);
    return file === undefined ? await GETS[url.pathname as keyof typeof GETS](this.#parts, url) : ok(file);
  }

  async #replay(sequence: number, authorization: string | undefined): Promise<Answer> {
    const refusal = this.#parts.gate.refusalOf(authorization);
    if (refusal !== undefined) {
      const { status, detail } = refusal;
      return {
        ...problem(status, detail),
        ...(status === 401 && { headers: { "www-authenticate": "Bearer" } }),
      };
    }
    const answer = await replayOne(this.#parts.parked, sequence);
    this.#parts.note(`replay from the page: ${answer.detail}`);
    return { status: answer.ok ? 200 : 409, body: answer };
  }
}

/** What can be read, by its path. */
const GETS = {
  "/api/look": ({ look }: ConsoleParts, url: URL): Answer => ok(look(wholeNumber(url, "after") ?? 0)),
  "/api/parked": async ({ parked }: ConsoleParts, url: URL): Promise<Answer> =>
    ok(await parkedList(parked, url.searchParams.get("reason") ?? undefined, wholeNumber(url, "from") ?? 1)),
  "/livez": (): Answer => ok({ ok: true }),
  "/readyz": ({ health }: ConsoleParts): Answer => {
    const nats = health();
    return { status: nats.ok ? 200 : 503, body: { ok: nats.ok, components: { nats } } };
  },
};

const NOT_FOUND = problem(404, "there is nothing under this address");

function ok(body: PageFile | object): Answer {
  return { status: 200, body };
}

function problem(status: number, detail: string): Answer {
  return { status, body: { ok: false, detail } };
}

function wrongMethod(allow: string): Answer {
  return { ...problem(405, `use ${allow} here`), headers: { allow } };
}

function wholeNumber(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name) ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** @param host a Host header, with or without a port */
function isLocalName(host = ""): boolean {
  return isLoopback(
    host
      .replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1")
      .toLowerCase(),
  );
}
