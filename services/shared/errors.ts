/**
 * What the caller should do next, which is all it needs to know about a failure.
 *
 * - `retry`: the same message may succeed later; redeliver it.
 * - `park`: the message can never succeed; keep it with its reason and move on.
 * - `stop`: the service itself is broken; exit and let the platform restart it.
 */
export type FailureAction = "retry" | "park" | "stop";

/** A failure with its consequence. The message names the value and the limit. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  /** Short, stable, snake_case: becomes the reason of a parked message and a metric label. */
  readonly code: string;
  readonly action: FailureAction;
  /** For `retry`: how long to wait before the next delivery, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    action: FailureAction,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.action = action;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Turns anything thrown into an EngineError; an unknown failure is worth another try. */
  static from(thrown: unknown, code = "unexpected"): EngineError {
    if (thrown instanceof EngineError) return thrown;
    return new EngineError(code, "retry", messageOf(thrown), { cause: thrown });
  }
}

/**
 * Bad input from the person who started the program: a setting, a file, an address.
 * The message is one clear sentence per problem with the value, the limit and the setting.
 * Ends the process with exit code 2.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
