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
  /** Each a line of its own, fit for a terminal: control characters escaped, the middle of long ones left out. */
  readonly problems: readonly string[];

  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    const lines = (typeof problems === "string" ? [problems] : problems).map(problemLine);
    super(lines.join("\n"), options);
    this.problems = lines;
  }
}

/** What is kept of a longer problem: the setting with the start of its value, and the limit. */
const PROBLEM_HEAD_CHARS = 800;
const PROBLEM_TAIL_CHARS = 700;

function problemLine(problem: string): string {
  const leftOut = problem.length - PROBLEM_HEAD_CHARS - PROBLEM_TAIL_CHARS;
  const short =
    leftOut <= 0
      ? problem
      : `${problem.slice(0, PROBLEM_HEAD_CHARS)} ... ${String(leftOut)} characters left out ... ${problem.slice(-PROBLEM_TAIL_CHARS)}`;
  return short.toWellFormed().replace(/\p{Cc}/gu, escaped);
}

/** `\n` and the like as JSON has them; JSON itself leaves the controls above 0x7e as they are. */
function escaped(control: string): string {
  const json = JSON.stringify(control).slice(1, -1);
  return json === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}` : json;
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
