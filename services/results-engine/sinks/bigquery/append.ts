import type { OpenAppendStream } from "./append-client.js";
import { AppendConnection } from "./append-connection.js";
import type { BigQueryClock } from "./clock.js";
import { failure } from "./errors.js";
import type { RowTransport, Try } from "./insert.js";
import { PROTO_FRAME } from "./proto-rows.js";
import type { RowRequest } from "./rows.js";
import { Slots } from "./slots.js";

/** Bytes of rows that wait for an answer at once; a single request may have more. */
const MAX_BYTES_IN_FLIGHT = 16_000_000;

/** Rows by appends to the default stream of the Storage Write API, over one connection at a time. */
export class Appends implements RowTransport {
  readonly frame = PROTO_FRAME;
  readonly #open: OpenAppendStream;
  readonly #clock: BigQueryClock;
  readonly #bytes = new Slots(MAX_BYTES_IN_FLIGHT);
  #connection: AppendConnection | undefined;

  constructor(open: OpenAppendStream, clock: BigQueryClock) {
    this.#open = open;
    this.#clock = clock;
  }

  async send(
    { body, count, starts, ends }: RowRequest,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<Try> {
    const rows = Array.from({ length: count }, (_, index) => body.subarray(starts[index], ends[index]));
    const wasStopping = signal.aborted;
    const release = await this.#bytes.take(body.length);
    try {
      // Whoever had to wait until the engine stops does not begin then: each would take its own time to end.
      if (signal.aborted && !wasStopping) return { failure: failure("retry", "the engine stops") };
      return await this.#live().append(rows, deadlineMs, signal);
    } finally {
      release();
    }
  }

  close(): void {
    this.#connection?.close();
  }

  #live(): AppendConnection {
    if (this.#connection !== undefined) return this.#connection;
    const connection: AppendConnection = new AppendConnection(this.#open, this.#clock, () => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    return connection;
  }
}
