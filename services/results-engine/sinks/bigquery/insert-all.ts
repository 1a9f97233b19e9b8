import type { BigQueryClient } from "./client.js";
import { failure, readInsertReply } from "./errors.js";
import type { RowTransport, Try } from "./insert.js";
import { INSERT_ALL_FRAME } from "./json-rows.js";
import type { RowRequest } from "./rows.js";

/** Rows by insertAll: one HTTP request, whose reply names the rows that did not go in. */
export class InsertAll implements RowTransport {
  readonly frame = INSERT_ALL_FRAME;
  readonly #client: BigQueryClient;
  readonly #path: string;
  readonly #acceptsNoKind: boolean;

  /**
   * @param path `datasets/D/tables/T/insertAll`
   * @param acceptsNoKind an emulator may leave the kind of its reply out
   */
  constructor(client: BigQueryClient, path: string, acceptsNoKind: boolean) {
    this.#client = client;
    this.#path = path;
    this.#acceptsNoKind = acceptsNoKind;
  }

  async send({ body, count }: RowRequest, deadlineMs: number, signal: AbortSignal): Promise<Try> {
    const reply = await this.#client.call({ method: "POST", path: this.#path, body, deadlineMs, signal });
    if (!reply.ok) return reply;
    const errors = readInsertReply(reply.body, this.#acceptsNoKind, count);
    if (errors !== undefined) return { errors };
    return { failure: failure("retry", "the reply is not insertAll's: is the address BigQuery's?") };
  }

  close(): void {
    // Each request has a connection of the client's own.
  }
}
