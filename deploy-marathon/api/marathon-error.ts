import type { Refusal } from "./answers.js";

/**
 * - `locked`: another deployment holds the app or the group.
 * - `invalid`: Marathon refuses what it was given.
 * - `credentials`: it wants others, or none are enough.
 * - `unreachable`: no answer, or none of Marathon's.
 * - `missing`: there is no such app, group or deployment.
 */
export type MarathonErrorCode = "locked" | "invalid" | "credentials" | "unreachable" | "missing";

/** What Marathon, or the way there, says no with. The message is for people and holds no credentials. */
export class MarathonError extends Error {
  override readonly name = "MarathonError";
  readonly code: MarathonErrorCode;

  constructor(code: MarathonErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** @param hasCredentials whether any were sent */
export function errorOfAnswer(
  status: number,
  what: string,
  { message, deployments, details }: Refusal,
  hasCredentials: boolean,
): MarathonError {
  const said = message === "" ? "" : `: ${message}`;
  switch (status) {
    case 401:
      return new MarathonError(
        "credentials",
        hasCredentials
          ? `Marathon refuses the credentials${said}; check MARATHON_USER and MARATHON_PASSWORD, or MARATHON_TOKEN`
          : `Marathon wants credentials${said}; give MARATHON_USER and MARATHON_PASSWORD, or MARATHON_TOKEN, in the environment`,
      );
    case 403:
      return new MarathonError("credentials", `Marathon does not allow this user to ${what}${said}`);
    case 404:
      return new MarathonError("missing", `Marathon cannot ${what}${said}`);
    case 409: {
      const ids = deployments.map(({ id }) => id).join(", ");
      return new MarathonError(
        "locked",
        `another deployment${ids === "" ? "" : ` (${ids})`} is in progress, so Marathon does not ${what}; ` +
          `wait for it, or end a broken one with --force`,
      );
    }
    case 400:
    case 422: {
      const problems = details.flatMap(({ path, errors }) =>
        errors.map(
          (error) =>
            `\n  ${path === "" ? "" : `${path}: `}${typeof error === "string" ? error : JSON.stringify(error)}`,
        ),
      );
      return new MarathonError("invalid", `Marathon refuses to ${what}${said}${problems.join("")}`);
    }
    default:
      return new MarathonError(
        "unreachable",
        `Marathon answers ${String(status)} when asked to ${what}${said}`,
      );
  }
}
