import { credentials } from "@grpc/grpc-js";
import { BigQueryWriteClient } from "@google-cloud/bigquery-storage/build/src/v1/big_query_write_client.js";
import { PassThroughClient } from "google-auth-library";
import type { AppendAnswer, GrpcError } from "./append-errors.js";
import { classifyGrpc } from "./append-errors.js";
import type { Failure } from "./errors.js";
import type { RowDescriptor } from "./proto-rows.js";
import type { BigQueryTarget } from "./uri.js";

/** One AppendRows stream on a connection of its own. */
export interface AppendStream {
  /** Hands rows over; they leave in this order. */
  write(rows: readonly Uint8Array[]): void;
  /** Ends the stream and its connection at once; no listener is called any more. Idempotent. */
  destroy(): void;
}

export interface AppendListeners {
  readonly answered: (answer: AppendAnswer) => void;
  /** The stream is over, by an error or without one. Called once at most. */
  readonly ended: (error: GrpcError | undefined) => void;
}

/** Options of a single call, which the client's package does not export. */
type CallOptions = NonNullable<Parameters<BigQueryWriteClient["appendRows"]>[0]>;

export type OpenAppendStream = (listeners: AppendListeners) => Promise<AppendStream>;

/** Retries of the library keep a copy of what was sent and may send it again unseen; ours do neither. */
const CHANNEL = { "grpc.enable_retries": 0 };
/** Emulators exist whose default stream is there only once somebody has asked for it. */
const EMULATOR_DEADLINE_MS = 5_000;

/**
 * Google's raw client of the Storage Write API, a new one for each stream. Its writer on top is left out: that
 * one mixes up answers when it reconnects, keeps no deadline and takes refusals for success.
 */
export function appendClient(target: BigQueryTarget, descriptor: RowDescriptor): OpenAppendStream {
  const { projectId } = target;
  const writeStream = defaultStream(target);
  const options = { ...addressOf(target.writeEndpoint), ...CHANNEL, projectId };
  // Outside of the US a request without it is not found.
  const headers = { "x-goog-request-params": `write_stream=${encodeURIComponent(writeStream)}` };
  /** Credentials are looked for once and their token serves every stream. */
  let auth: BigQueryWriteClient["auth"] | undefined;
  return async ({ answered, ended }) => {
    const client = new BigQueryWriteClient(auth === undefined ? options : { ...options, auth });
    ({ auth } = client);
    try {
      // Without this, a failure to find credentials would be nobody's and end the process.
      await client.initialize();
      if (target.writeEndpoint !== undefined) await askFor(client, writeStream, EMULATOR_DEADLINE_MS);
    } catch (thrown) {
      void client.close().catch(() => undefined);
      throw thrown;
    }
    const stream = client.appendRows({ otherArgs: { headers } });
    let isOver = false;
    const end = (error?: GrpcError): void => {
      if (isOver) return;
      isOver = true;
      ended(error);
    };
    stream.on("data", (answer: AppendAnswer) => {
      if (!isOver) answered(answer);
    });
    // An error without a listener would end the process, also one that comes after the end.
    stream.on("error", end);
    stream.on("end", () => end());
    stream.on("close", () => end());
    let isFirst = true;
    return {
      write: (rows) => {
        const about = isFirst ? { writeStream, traceId: "data-crunch" } : {};
        const schema = isFirst ? { writerSchema: { protoDescriptor: descriptor } } : {};
        isFirst = false;
        stream.write({ ...about, protoRows: { ...schema, rows: { serializedRows: rows } } });
      },
      destroy: () => {
        isOver = true;
        stream.cancel();
        // Else the next stream would go out on this very connection, dead or not.
        void client.close().catch(() => undefined);
      },
    };
  };
}

/** Asks for the stream that rows would go to. @returns why it cannot be had; undefined if it can */
export async function lookAtAppends(
  target: BigQueryTarget,
  deadlineMs: number,
): Promise<Failure | undefined> {
  const { projectId, writeEndpoint } = target;
  const client = new BigQueryWriteClient({ ...addressOf(writeEndpoint), ...CHANNEL, projectId });
  try {
    await client.initialize();
    await askFor(client, defaultStream(target), deadlineMs);
    return undefined;
  } catch (thrown) {
    return classifyGrpc(thrown instanceof Error ? thrown : { message: String(thrown) });
  } finally {
    void client.close().catch(() => undefined);
  }
}

/** Asks once whether a stream is there. */
async function askFor(client: BigQueryWriteClient, name: string, deadlineMs: number): Promise<void> {
  const once = { timeout: deadlineMs, retry: { retryCodes: [] } } as CallOptions;
  await client.getWriteStream({ name }, once);
}

function defaultStream({ projectId, datasetId, tableId }: BigQueryTarget): string {
  return `projects/${projectId}/datasets/${datasetId}/tables/${tableId}/streams/_default`;
}

function addressOf(endpoint: string | undefined): object {
  if (endpoint === undefined) return {};
  const { protocol, hostname, port } = new URL(endpoint);
  const isPlain = protocol === "http:";
  return {
    apiEndpoint: hostname,
    port: port === "" ? (isPlain ? 80 : 443) : Number(port),
    sslCreds: isPlain ? credentials.createInsecure() : credentials.createSsl(),
    // Else credentials are looked for although none are sent.
    authClient: new PassThroughClient(),
  };
}
