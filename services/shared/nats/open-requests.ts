/**
 * Requests end with their connection. What was on its way when it broke is lost, and the client library
 * would wait out the whole timeout for it after the reconnect: seconds in which nobody trims a full stream.
 */
import { ErrorCode, NatsError } from "nats";
import type { Msg, NatsConnection } from "nats";

export class OpenRequests {
  readonly #ends = new Set<(error: NatsError) => void>();

  /** @param nc whose requests, JetStream's too, are watched from now on */
  constructor(nc: NatsConnection) {
    const ask = nc.request.bind(nc);
    nc.request = (subject, payload, options) =>
      new Promise<Msg>((resolve, reject) => {
        this.#ends.add(reject);
        const settled = (): unknown => this.#ends.delete(reject);
        ask(subject, payload, options).then(resolve, reject).finally(settled);
      });
  }

  /** Rejects all that have no answer, with code `DISCONNECT`. Whether the server heard them is unknown. */
  end(): void {
    const error = new NatsError("the connection broke before the answer came", ErrorCode.Disconnect);
    for (const end of this.#ends) end(error);
    this.#ends.clear();
  }
}
