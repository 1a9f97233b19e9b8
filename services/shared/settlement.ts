/**
 * How the ack contract of `messaging.ts` is kept: the one place that turns the end of a handler
 * into ack, redelivery, parking or a stop. Shared by every implementation of Messaging.
 */
import { recordsOf } from "./codec/entry-count.js";
import { EngineError, messageOf } from "./errors.js";
import type { Handler, IncomingMessage } from "./messaging.js";
import { parkedIdOf } from "./parking.js";
import type { Parker } from "./parking.js";
import { traceField } from "./trace/trace-context.js";

/** Delay before the second delivery; doubles with each further one. */
const FIRST_RETRY_MS = 500;
/** Longest delay between two deliveries that the contract chooses itself. */
const MAX_RETRY_MS = 30_000;

/** What can be done with one delivered message; at most one of the first two is called, once. */
export interface Settler {
  ack(): void;
  /** Asks for another delivery, not before `delayMs`. */
  redeliver(delayMs: number): void;
  /**
   * Called last, once.
   *
   * @param stop the error that ends the consumer, with the message left unacked
   */
  settled(stop?: EngineError): void;
}

/** What settling needs besides the message. */
export interface SettlementContext {
  readonly parker: Parker;
  /** Gives up on parking that is held back, so that a drain ends; the message then comes again. */
  readonly parkSignal: AbortSignal;
  readonly warn: (details: Readonly<Record<string, unknown>>, message: string) => void;
}

/**
 * Wait before the next delivery of a message, in milliseconds.
 *
 * @param deliveries how often it was delivered so far, from 1
 */
export function retryDelayMs(error: EngineError, deliveries: number): number {
  if (error.retryAfterMs !== undefined) return Math.max(0, error.retryAfterMs);
  return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(30, Math.max(0, deliveries - 1)));
}

/**
 * Runs the handler on one message and settles it.
 *
 * No async function, and nothing to wait for: what each message in hand keeps is kept thousands of times while
 * messages are singles, and outlives young collections.
 */
export function handleAndSettle(
  handler: Handler,
  message: IncomingMessage,
  settler: Settler,
  context: SettlementContext,
): void {
  void handled(handler, message).then(
    () => {
      settler.ack();
      settler.settled();
    },
    async (thrown: unknown) => {
      settler.settled(await settleFailure(EngineError.from(thrown), message, settler, context));
    },
  );
}

function handled(handler: Handler, message: IncomingMessage): Promise<void> {
  try {
    return handler(message);
  } catch (thrown) {
    return Promise.reject(EngineError.from(thrown));
  }
}

/** Never rejects. @returns the error that ends the consumer; else undefined */
async function settleFailure(
  error: EngineError,
  message: IncomingMessage,
  settler: Settler,
  context: SettlementContext,
): Promise<EngineError | undefined> {
  if (error.action === "stop") return error;
  const { stream, sequence, deliveries } = message.origin;
  const { trace } = message;
  const about = { stream, sequence, deliveries, ...traceField(trace) };
  if (error.action === "retry") {
    const delayMs = retryDelayMs(error, deliveries);
    context.warn({ code: error.code, ...about, delayMs }, `will retry: ${error.message}`);
    settler.redeliver(delayMs);
    return undefined;
  }
  try {
    await context.parker.park(
      {
        topic: message.topic,
        payload: message.payload,
        subject: message.isFrame ? `${message.topic}.frame` : message.topic,
        records: recordsOf(message),
        reason: error.code,
        error: errorTextOf(error),
        id: parkedIdOf(message.origin),
        origin: message.origin,
        trace,
      },
      context.parkSignal,
    );
  } catch (thrown) {
    const delayMs = retryDelayMs(EngineError.from(thrown), deliveries);
    context.warn({ ...about, delayMs }, `cannot park yet: ${messageOf(thrown)}`);
    settler.redeliver(delayMs);
    return undefined;
  }
  settler.ack();
  return undefined;
}

/** The message for people, with the stack of the failure behind it if there is one. */
function errorTextOf(error: EngineError): string {
  const cause = error.cause;
  return cause instanceof Error ? `${error.message}\n${cause.stack ?? cause.message}` : error.message;
}
