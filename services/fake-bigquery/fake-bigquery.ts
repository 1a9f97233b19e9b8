/**
 * BigQuery's REST interface in this process, as far as a sink needs it: datasets, tables, views and
 * insertAll and load jobs, with the failures that no emulator offers.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { Answer } from "./answers.js";
import { error, faultAnswer, refusedChange } from "./answers.js";
import { FakeDatasets } from "./datasets.js";
import type { Fault, Json } from "./faults.js";
import { FaultScript } from "./faults.js";
import { FakeJobs, readLoadRequest } from "./jobs.js";
import type { FakeBigQueryOptions, SeenRequest } from "./options.js";
import { FakeQueries } from "./queries.js";
import { insertAll } from "./insert-all.js";
import type { FakeTable } from "./warehouse.js";
import type { FakeWriteApi } from "./write-api.js";

export type { Fault, Json } from "./faults.js";
export type { FakeBigQueryOptions } from "./options.js";

const NO_UPLOAD_TYPE = error(400, "invalid", 'uploadType should be "multipart"');

export class FakeBigQuery {
  readonly #server: Server;
  readonly #options: Required<FakeBigQueryOptions>;
  readonly #datasets: FakeDatasets;
  readonly #faults = new FaultScript();
  readonly #jobs = new FakeJobs();
  readonly #queries: FakeQueries;
  #write: FakeWriteApi | undefined;
  /** Every request so far, in order of arrival. */
  readonly requests: SeenRequest[] = [];

  private constructor(options: FakeBigQueryOptions) {
    this.#options = {
      nowMs: Date.now,
      remembersInsertIds: true,
      keepsRequests: true,
      leavesKindOut: false,
      port: 0,
      host: "127.0.0.1",
      writePort: undefined,
      database: undefined,
      permissions: undefined,
      ...options,
    };
    this.#datasets = new FakeDatasets(this.#options.database);
    this.#queries = new FakeQueries({
      database: () => this.#datasets.database,
      tables: () => this.#datasets.tables,
      define: (datasetId, tableId, resource) => this.define(datasetId, tableId, resource),
    });
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        response.writeHead(500).end(String(thrown));
      });
    });
  }

  static async start(options: FakeBigQueryOptions = {}): Promise<FakeBigQuery> {
    const fake = new FakeBigQuery(options);
    const { port, database } = fake.#options;
    if (database !== undefined) await fake.#datasets.database;
    await fake.#listen(port);
    const { writePort } = fake.#options;
    if (writePort === undefined) return fake;
    await fake.serveWrites(writePort).catch(async (thrown: unknown) => {
      await fake.close();
      throw thrown;
    });
    return fake;
  }

  /** The Storage Write API. @throws Error if it is not served */
  get write(): FakeWriteApi {
    if (this.#write === undefined) throw new Error("start it with writePort");
    return this.#write;
  }

  /** Serves the Storage Write API, from now on here if it was served elsewhere before. */
  async serveWrites(port: number): Promise<void> {
    this.#write?.close();
    const { host, nowMs, keepsRequests } = this.#options;
    // gRPC takes a while to load.
    const { FakeWriteApi } = await import("./write-api.js");
    this.#write = await FakeWriteApi.start(port, {
      host,
      nowMs,
      keepsRequests,
      nextFault: (method, path) => this.#faults.next(method, path, nowMs()),
      table: (datasetId, tableId) => this.#table(datasetId, tableId),
      settled: () => this.#datasets.settle(),
    });
  }

  get url(): string {
    return `http://${this.#options.host}:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Adds faults behind those that wait. */
  fail(...faults: readonly Fault[]): void {
    this.#faults.push(...faults);
  }

  heal(): void {
    this.#faults.clear();
  }

  /** Every load job that was taken, as `jobs.get` tells it. */
  get jobs(): readonly Json[] {
    return this.#jobs.all;
  }

  /** Bodies of the insertAll requests so far. */
  get insertBodies(): readonly Buffer[] {
    return this.requests.filter(({ path }) => path.endsWith("/insertAll")).map(({ body }) => body);
  }

  /** The definition of a table or view; undefined if there is none. */
  resource(datasetId: string, tableId: string): Json | undefined {
    return this.#table(datasetId, tableId)?.resource;
  }

  dataset(datasetId: string): Json | undefined {
    return this.#datasets.dataset(datasetId);
  }

  /** Makes a table, or gives it another definition as tables.patch does. */
  define(datasetId: string, tableId: string, resource: Json): void {
    this.#datasets.define(datasetId, tableId, resource);
  }

  drop(datasetId: string, tableId: string): void {
    this.#datasets.drop(datasetId, tableId);
  }

  /** The rows of a table, every copy of them, each value as it was sent. */
  rows(datasetId: string, tableId: string): readonly Json[] {
    return this.#table(datasetId, tableId)?.rows ?? [];
  }

  /** The rows that the view over a table shows. */
  viewRows(datasetId: string, tableId: string): Json[] {
    return this.#table(datasetId, tableId)?.newestPerId() ?? [];
  }

  /**
   * Breaks every connection and lets nobody in, as if its process were gone; the tables stay.
   *
   * @returns what serves them again at the same addresses
   */
  async goAway(): Promise<() => Promise<void>> {
    const port = portOf(this.url);
    const writePort = this.#write === undefined ? undefined : portOf(this.#write.url);
    await this.#leave();
    return async () => {
      await this.#listen(port);
      if (writePort !== undefined) await this.serveWrites(writePort);
    };
  }

  /** Ends every connection, hanging ones included. Idempotent. */
  async close(): Promise<void> {
    await this.#leave();
    await this.#datasets.close();
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, this.#options.host);
    await once(this.#server, "listening");
  }

  async #leave(): Promise<void> {
    this.#write?.close();
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #table(datasetId: string, tableId: string): FakeTable | undefined {
    return this.#datasets.table(datasetId, tableId);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "", "http://fake");
    const path = /^(?:\/upload)?\/bigquery\/v2\/projects\/[^/]+\/(.*)/.exec(url.pathname)?.[1] ?? "";
    if (this.#options.keepsRequests) {
      this.requests.push({ method, path: decodeURIComponent(path), headers: request.headers, body });
    }
    const fault = this.#faults.next(method, path, this.#options.nowMs());
    if (fault?.latencyMs !== undefined) await sleep(fault.latencyMs);
    if (fault?.hang === true) return;
    if (fault?.dropBeforeCommit === true) {
      request.socket.destroy();
      return;
    }
    const contentType = request.headers["content-type"] ?? "";
    const isUpload = url.pathname.startsWith("/upload/");
    const answer =
      (isUpload && url.searchParams.get("uploadType") !== "multipart"
        ? NO_UPLOAD_TYPE
        : faultAnswer(fault)) ??
      (await this.#query(method, path, body, url)) ??
      this.#answer(method, decodeURIComponent(path), body, contentType, fault);
    await this.#datasets.settle();
    if (fault?.commitThenHang === true) return;
    if (fault?.commitThenDrop === true) {
      request.socket.destroy();
      return;
    }
    const isText = typeof answer.body === "string";
    response.writeHead(answer.status, {
      "content-type": isText ? "text/html" : "application/json; charset=UTF-8",
    });
    response.end(isText ? answer.body : JSON.stringify(answer.body));
  }

  async #query(method: string, path: string, body: Buffer, url: URL): Promise<Answer | undefined> {
    if (!/^(?:queries|jobs)(?:\/|$)/.test(path) || url.pathname.startsWith("/upload/")) return undefined;
    const asInt64 = url.searchParams.get("formatOptions.useInt64Timestamp") === "true";
    return this.#queries.answer(method, path, method === "GET" ? undefined : readJson(body), asInt64);
  }

  #answer(method: string, path: string, body: Buffer, contentType: string, fault: Fault | undefined): Answer {
    const [, jobId] = /^jobs(?:\/(.*))?$/.exec(path) ?? [];
    if (/^jobs(?:\/|$)/.test(path)) {
      return method === "POST" ? this.#startJob(body, contentType, fault) : this.#job(jobId ?? "");
    }
    const [, asked] = /^(.*):testIamPermissions$/.exec(path) ?? [];
    if (asked !== undefined) return this.#testPermissions(asked, body);
    const [datasets, datasetId, tables, tableId, verb] = path.split("/");
    const json = method === "GET" ? {} : readJson(body);
    if (datasets !== "datasets" || json === undefined) {
      return json === undefined
        ? error(400, "parseError", "Parse Error")
        : error(404, "notFound", "Not Found");
    }
    if (datasetId === undefined) return this.#datasets.create(json);
    const dataset = this.#datasets.dataset(datasetId);
    if (dataset === undefined) return error(404, "notFound", `Not found: Dataset ${datasetId}`);
    if (tables === undefined) return { status: 200, body: dataset };
    if (tableId === undefined) return this.#datasets.createTable(datasetId, json, this.#options.nowMs());
    const table = this.#table(datasetId, tableId);
    if (table === undefined) return error(404, "notFound", `Not found: Table ${datasetId}.${tableId}`);
    if (verb !== undefined) return insertAll(table, json, body, { ...this.#options, fault });
    if (method === "PATCH") {
      const refusal = refusedChange(table.resource, json);
      if (refusal !== undefined) return error(400, "invalid", refusal);
      table.resource = { ...table.resource, ...json };
    }
    return { status: 200, body: table.resource };
  }

  #startJob(body: Buffer, contentType: string, fault: Fault | undefined): Answer {
    const request = readLoadRequest(body, contentType);
    if (request === undefined) return error(400, "invalid", "Only load jobs with an upload are known here");
    const { datasetId, tableId } = request.destination;
    const table = this.#table(datasetId, tableId);
    const job = this.#jobs.run(request, table, this.#options.nowMs(), fault);
    if (job === undefined) return error(409, "duplicate", `Already Exists: Job ${request.jobId}`);
    return { status: 200, body: job };
  }

  #job(jobId: string): Answer {
    const job = this.#jobs.get(jobId);
    return job === undefined ? error(404, "notFound", `Not found: Job ${jobId}`) : { status: 200, body: job };
  }

  #testPermissions(path: string, body: Buffer): Answer {
    const [, datasetId = "", , tableId = ""] = path.split("/");
    if (this.#table(datasetId, tableId) === undefined) return error(404, "notFound", "Not found: Table");
    const asked = readJson(body)?.permissions as readonly string[];
    const { permissions } = this.#options;
    return { status: 200, body: { permissions: asked.filter((one) => permissions?.includes(one) ?? true) } };
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function readJson(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}
