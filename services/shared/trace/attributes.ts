/**
 * Names of attributes of spans. Those that begin with `messaging.` and `error.` are OpenTelemetry's semantic
 * conventions (https://opentelemetry.io/docs/specs/semconv/messaging/), the others ours.
 */
export const ATTRIBUTE = {
  system: "messaging.system",
  destination: "messaging.destination.name",
  operationName: "messaging.operation.name",
  operationType: "messaging.operation.type",
  consumerGroup: "messaging.consumer.group.name",
  messageId: "messaging.message.id",
  bodySize: "messaging.message.body.size",
  /** Records in a frame, messages in a batch. */
  messageCount: "messaging.batch.message_count",
  errorType: "error.type",
  stream: "crunch.stream",
  sequence: "crunch.sequence",
  /** 1 on the first delivery. */
  deliveries: "crunch.deliveries",
  cruncher: "crunch.cruncher",
  cruncherVersion: "crunch.cruncher.version",
  /** Time that the thread spent on the message. */
  threadMs: "crunch.thread_ms",
  /** Records that were parked. */
  failed: "crunch.failed",
  reason: "crunch.reason",
  sink: "crunch.sink",
  rows: "crunch.rows",
  stored: "crunch.rows.stored",
  repeats: "crunch.rows.repeats",
  rejected: "crunch.rows.rejected",
} as const;
