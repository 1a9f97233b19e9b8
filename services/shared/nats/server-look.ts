import type { NatsConnection } from "nats";

/** A server as its greeting tells. */
export interface ServerLook {
  readonly id: string;
  readonly version: string;
  /** Largest message, headers included. */
  readonly maxPayloadBytes: number;
}

export function serverLook(nc: NatsConnection): ServerLook {
  return {
    id: nc.info?.server_id ?? "",
    version: nc.info?.version ?? "",
    maxPayloadBytes: nc.info?.max_payload ?? Number.POSITIVE_INFINITY,
  };
}
