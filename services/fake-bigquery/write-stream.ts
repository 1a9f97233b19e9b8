/** Write streams: the default one of each table, and those that clients make to have offsets. */
import { randomUUID } from "node:crypto";
import type { RowDescriptor } from "./append-rows.js";
import { descriptorProblem, readRow } from "./append-rows.js";
import type { Fault, Json } from "./faults.js";
import type { GrpcError } from "./grpc-codes.js";
import { grpcError } from "./grpc-codes.js";
import type { FakeTable } from "./warehouse.js";

/** AppendRowsResponse as far as one answer needs it. */
export interface AppendAnswer {
  readonly appendResult?: { readonly offset?: { readonly value: string } };
  readonly error?: GrpcError;
  readonly rowErrors?: readonly { index: string; code: string; message: string }[];
}

export interface AppendedRows {
  readonly writeStream: string;
  readonly offset: number | undefined;
  readonly descriptor: RowDescriptor;
  readonly serialized: readonly Buffer[];
  readonly fault: Fault | undefined;
}

interface WriteStream {
  readonly name: string;
  readonly type: string;
  readonly table: FakeTable;
  rows: number;
  /** Rows of a PENDING stream before its commit. */
  held: Json[];
  isFinal: boolean;
  committedAtMs: number | undefined;
}

type Unary = (
  call: { readonly request: Readonly<Record<string, unknown>> },
  reply: (error: { code: number; details: string } | null, answer?: object) => void,
) => void;

export class FakeWriteStreams {
  readonly #streams = new Map<string, WriteStream>();
  readonly #table: (datasetId: string, tableId: string) => FakeTable | undefined;
  readonly #nowMs: () => number;

  constructor(table: (datasetId: string, tableId: string) => FakeTable | undefined, nowMs: () => number) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  /** A request goes in whole or not at all. */
  append(
    table: FakeTable,
    { writeStream, offset, descriptor, serialized, fault }: AppendedRows,
  ): AppendAnswer {
    const isDefault = writeStream.endsWith("/_default");
    const stream = this.#streams.get(writeStream);
    const refusal =
      (isDefault ? defaultProblem(offset) : offsetProblem(stream, offset)) ??
      invalid(descriptorProblem(descriptor, table));
    if (refusal !== undefined) return { error: refusal };
    const rowErrors: { index: string; code: string; message: string }[] = [];
    const rows = serialized.map((bytes, index) => {
      const read = readRow(bytes, descriptor, table);
      const wrong =
        "json" in read
          ? (fault?.rowErrors?.(read.json, index) ?? table.check(read.json, this.#nowMs()))
          : read;
      if (wrong !== undefined) {
        rowErrors.push({
          index: String(index),
          code: "FIELDS_ERROR",
          message: wrong.message ?? wrong.reason,
        });
      }
      return read;
    });
    if (rowErrors.length > 0) {
      const message = `Errors found while processing rows. Please refer to the row_errors field for details. The list may not be complete because of the size limitations.`;
      return { error: grpcError("INVALID_ARGUMENT", message), rowErrors };
    }
    if (rows.some((row) => "json" in row && fault?.refuses?.(row.json) === true)) {
      return { error: grpcError("INVALID_ARGUMENT", "Invalid argument") };
    }
    for (const row of rows) {
      if (!("json" in row)) continue;
      if (row.changeType !== undefined) table.upsert(row.json, row.sequence);
      else if (stream?.type === "PENDING") stream.held.push(row.json);
      else table.append([row.json]);
    }
    if (stream === undefined) return { appendResult: {} };
    stream.rows += rows.length;
    return { appendResult: { offset: { value: String(stream.rows - rows.length) } } };
  }

  /** The calls beside AppendRows. */
  readonly calls: Readonly<Record<string, Unary>> = {
    CreateWriteStream: ({ request }, reply) => {
      const [, datasetId = "", tableId = ""] =
        /datasets\/([^/]+)\/tables\/([^/]+)$/.exec(String(request.parent)) ?? [];
      const table = this.#table(datasetId, tableId);
      if (table === undefined) {
        refuse(reply, "NOT_FOUND", `Table ${datasetId}.${tableId}`);
        return;
      }
      const { type } = (request.writeStream ?? {}) as { type?: string };
      const name = `${String(request.parent)}/streams/${randomUUID()}`;
      const stream: WriteStream = {
        name,
        type: type ?? "COMMITTED",
        table,
        rows: 0,
        held: [],
        isFinal: false,
        committedAtMs: undefined,
      };
      this.#streams.set(name, stream);
      reply(null, { name, type: stream.type });
    },
    GetWriteStream: ({ request }, reply) => {
      const name = String(request.name);
      const [, datasetId = "", tableId = ""] =
        /datasets\/([^/]+)\/tables\/([^/]+)\/streams\/_default$/.exec(name) ?? [];
      if (this.#table(datasetId, tableId) !== undefined) {
        reply(null, { name, type: "COMMITTED" });
        return;
      }
      const stream = this.#streams.get(name);
      if (stream === undefined) {
        refuse(reply, "NOT_FOUND", `Stream ${name}`);
        return;
      }
      const { type, committedAtMs } = stream;
      const seconds = committedAtMs === undefined ? undefined : String(Math.floor(committedAtMs / 1000));
      reply(null, { name, type, ...(seconds === undefined ? {} : { commitTime: { seconds } }) });
    },
    FinalizeWriteStream: ({ request }, reply) => {
      const stream = this.#streams.get(String(request.name));
      if (stream === undefined) {
        refuse(reply, "NOT_FOUND", `Stream ${String(request.name)}`);
        return;
      }
      stream.isFinal = true;
      reply(null, { rowCount: String(stream.rows) });
    },
    BatchCommitWriteStreams: ({ request }, reply) => {
      const streams = (request.writeStreams as readonly string[]).map((name) => this.#streams.get(name));
      const isReady = streams.every((stream) => stream?.isFinal === true && stream.type === "PENDING");
      if (!isReady) {
        refuse(reply, "INVALID_ARGUMENT", "Streams must be PENDING and finalized");
        return;
      }
      for (const stream of streams) {
        if (stream === undefined || stream.committedAtMs !== undefined) continue;
        stream.table.append(stream.held);
        stream.held = [];
        stream.committedAtMs = this.#nowMs();
      }
      reply(null, { commitTime: { seconds: String(Math.floor(this.#nowMs() / 1000)) } });
    },
    FlushRows: (_call, reply) => refuse(reply, "UNIMPLEMENTED", "BUFFERED streams are not known here"),
  };
}

function defaultProblem(offset: number | undefined): GrpcError | undefined {
  return offset === undefined ? undefined : invalid("Offsets are not allowed on the default stream");
}

function offsetProblem(stream: WriteStream | undefined, offset: number | undefined): GrpcError | undefined {
  if (stream === undefined) return grpcError("NOT_FOUND", "Requested stream was not found");
  if (stream.isFinal) return invalid("The stream has been finalized");
  if (offset === undefined || offset === stream.rows) return undefined;
  return offset < stream.rows
    ? grpcError("ALREADY_EXISTS", `The offset is within stream, expected offset ${String(stream.rows)}`)
    : grpcError("OUT_OF_RANGE", `The offset is beyond stream, expected offset ${String(stream.rows)}`);
}

function invalid(message: string | undefined): GrpcError | undefined {
  return message === undefined ? undefined : grpcError("INVALID_ARGUMENT", message);
}

function refuse(reply: Parameters<Unary>[1], code: string, message: string): void {
  reply({ code: grpcError(code, message).code, details: message });
}
