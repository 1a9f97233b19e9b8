/**
 * BigQuery's Storage Write API in this process: AppendRows on the default stream and on streams with
 * offsets, into the tables of the REST side, with the failures that no emulator offers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { RowDescriptor } from "./append-rows.js";
import type { Fault } from "./faults.js";
import type { GrpcError } from "./grpc-codes.js";
import { faultError, grpcError } from "./grpc-codes.js";
import type { AppendAnswer } from "./write-stream.js";
import { FakeWriteStreams } from "./write-stream.js";
import type { FakeTable } from "./warehouse.js";
import { writeService } from "./write-service.js";

/** Google's limit of one request. */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;
const STREAM = /^projects\/[^/]+\/(datasets\/([^/]+)\/tables\/([^/]+)\/streams\/(.+))$/;

/** AppendRowsRequest as the loader reads it. */
interface AppendRequest {
  readonly writeStream?: string;
  readonly offset?: { readonly value?: string } | null;
  readonly traceId?: string;
  readonly protoRows?: {
    readonly writerSchema?: { readonly protoDescriptor?: RowDescriptor } | null;
    readonly rows?: { readonly serializedRows?: readonly Buffer[] } | null;
  } | null;
}

type AppendCall = ServerDuplexStream<AppendRequest, object>;

/** One AppendRows request as it arrived. */
export interface SeenAppend {
  /** Which AppendRows stream it came on, counted from 1. */
  readonly stream: number;
  readonly path: string;
  readonly rows: readonly Buffer[];
  /** Given with the first request of a stream. */
  readonly descriptor: RowDescriptor | undefined;
  readonly traceId: string | undefined;
  /** The header that says where the request belongs. */
  readonly routing: string | undefined;
}

export interface WriteApiParts {
  readonly host: string;
  readonly nowMs: () => number;
  readonly nextFault: (method: string, path: string) => Fault | undefined;
  readonly table: (datasetId: string, tableId: string) => FakeTable | undefined;
  readonly keepsRequests: boolean;
  /** Waited for before rows that were taken are confirmed. */
  readonly settled: () => Promise<void>;
}

/** Where one AppendRows stream stands. */
interface StreamState {
  readonly number: number;
  readonly routing: string | undefined;
  writeStream: string;
  descriptor: RowDescriptor | undefined;
  /** Silent for good: nothing that comes later is looked at. */
  isStuck: boolean;
  last: Promise<void>;
}

export class FakeWriteApi {
  readonly #parts: WriteApiParts;
  readonly #server: Server;
  readonly #streams: FakeWriteStreams;
  readonly #calls = new Set<AppendCall>();
  #port = 0;
  /** Every append so far, in order of arrival. */
  readonly appends: SeenAppend[] = [];
  /** AppendRows streams opened so far. */
  opened = 0;
  /** Rows taken so far, unread ones included. */
  rowsTaken = 0;

  private constructor(parts: WriteApiParts) {
    this.#parts = parts;
    this.#streams = new FakeWriteStreams(parts.table, parts.nowMs);
    // The size of a request is looked at here, as Google does, and not by the library.
    this.#server = new Server({ "grpc.max_receive_message_length": -1 });
    this.#server.addService(writeService(), {
      AppendRows: (call: AppendCall) => this.#serve(call),
      ...this.#streams.calls,
    });
  }

  static async start(port: number, parts: WriteApiParts): Promise<FakeWriteApi> {
    const api = new FakeWriteApi(parts);
    api.#port = await new Promise<number>((resolve, reject) => {
      api.#server.bindAsync(
        `${parts.host}:${String(port)}`,
        ServerCredentials.createInsecure(),
        (error, bound) => (error === null ? resolve(bound) : reject(error)),
      );
    });
    return api;
  }

  get url(): string {
    return `http://${this.#parts.host}:${String(this.#port)}`;
  }

  /** AppendRows streams that are open now. */
  get open(): number {
    return this.#calls.size;
  }

  /** Ends every open stream, as Google does with idle ones. */
  endStreams(code: string, details: string): void {
    for (const call of this.#calls) call.emit("error", { code: grpcError(code, details).code, details });
  }

  /** Breaks every connection and lets nobody in. Idempotent. */
  close(): void {
    this.#server.forceShutdown();
  }

  #serve(call: AppendCall): void {
    this.#calls.add(call);
    this.opened++;
    const [routing] = call.metadata.get("x-goog-request-params");
    const state: StreamState = {
      number: this.opened,
      routing: routing?.toString(),
      writeStream: "",
      descriptor: undefined,
      isStuck: false,
      last: Promise.resolve(),
    };
    const leave = (): void => void this.#calls.delete(call);
    call.on("close", leave).on("cancelled", leave).on("error", leave);
    call.on("data", (request: AppendRequest) => {
      state.last = state.last.then(() => this.#append(call, request, state));
    });
    call.on("end", () => {
      state.last = state.last.then(() => {
        leave();
        if (!state.isStuck) call.end();
      });
    });
  }

  async #append(call: AppendCall, request: AppendRequest, state: StreamState): Promise<void> {
    if (state.isStuck) return;
    const { writerSchema: schema, rows } = request.protoRows ?? {};
    const serialized = rows?.serializedRows ?? [];
    if (request.writeStream !== undefined && request.writeStream !== "") {
      state.writeStream = request.writeStream;
    }
    const descriptor = schema?.protoDescriptor;
    state.descriptor ??= descriptor;
    const [, path = "", datasetId = "", tableId = ""] = STREAM.exec(state.writeStream) ?? [];
    if (this.#parts.keepsRequests) {
      const { number: stream, routing } = state;
      this.appends.push({
        stream,
        path,
        rows: serialized,
        descriptor: descriptor ?? undefined,
        traceId: request.traceId,
        routing,
      });
    }
    const fault = this.#parts.nextFault("APPEND", path);
    if (fault?.latencyMs !== undefined) await sleep(fault.latencyMs);
    const end = (error: GrpcError): void => {
      state.isStuck = true;
      call.emit("error", { code: error.code, details: error.message });
    };
    if (fault?.hang === true) {
      state.isStuck = true;
      return;
    }
    if (fault?.dropBeforeCommit === true) {
      end(grpcError("UNAVAILABLE", "Connection reset by peer"));
      return;
    }
    const asked = faultError(fault);
    if (asked?.endsStream === true) {
      end(asked.error);
      return;
    }
    const table = this.#parts.table(datasetId, tableId);
    if (table === undefined) {
      end(grpcError("NOT_FOUND", `Requested entity was not found: Table ${datasetId}.${tableId}`));
      return;
    }
    const answer =
      asked === undefined ? this.#answer(request, serialized, state, table, fault) : { error: asked.error };
    await this.#parts.settled();
    if (fault?.commitThenHang === true) {
      state.isStuck = true;
      return;
    }
    if (fault?.commitThenDrop === true) {
      end(grpcError("UNAVAILABLE", "Connection reset by peer"));
      return;
    }
    const update = fault?.updatedSchema === true ? { updatedSchema: { fields: [{ name: "Added" }] } } : {};
    call.write({ ...answer, ...update, writeStream: state.writeStream });
    if (fault?.answersTwice === true) call.write({ ...answer, writeStream: state.writeStream });
  }

  #answer(
    request: AppendRequest,
    serialized: readonly Buffer[],
    state: StreamState,
    table: FakeTable,
    fault: Fault | undefined,
  ): AppendAnswer {
    if (fault?.emptyAnswer === true) return {};
    if (serialized.reduce((sum, row) => sum + row.length, 0) > MAX_REQUEST_BYTES) {
      return { error: grpcError("INVALID_ARGUMENT", "AppendRows request too large: limit 10485760 bytes") };
    }
    const { descriptor } = state;
    if (descriptor === undefined || serialized.length === 0) {
      return { error: grpcError("INVALID_ARGUMENT", "Rows and their schema must be given") };
    }
    const offset = request.offset?.value === undefined ? undefined : Number(request.offset.value);
    const answer =
      fault?.takesUnread === true
        ? { appendResult: {} }
        : this.#streams.append(table, {
            writeStream: state.writeStream,
            offset,
            descriptor,
            serialized,
            fault,
          });
    if ("appendResult" in answer) this.rowsTaken += serialized.length;
    return answer;
  }
}
