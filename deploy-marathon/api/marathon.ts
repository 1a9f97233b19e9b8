/** The few calls of Marathon's API v2 that deploying and scaling need. */
import { messageOf } from "../../services/shared/errors.js";
import { answers } from "./answers.js";
import type { AnswerReader, Plan, RunningApp, RunningDeployment, StartedDeployment } from "./answers.js";
import type { MarathonAccess } from "../config.js";
import { MarathonError, errorOfAnswer } from "./marathon-error.js";

const TIMEOUT_MS = 30_000;

export type Kind = "app" | "group";

interface Call<T> {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Below the address of Marathon, with the query. */
  readonly path: string;
  /** What Marathon is asked for, after "to". */
  readonly what: string;
  readonly body?: unknown;
  readonly answer: AnswerReader<T>;
}

/** Every call throws MarathonError. */
export class Marathon {
  readonly #access: MarathonAccess;
  readonly #timeoutMs: number;

  /** @param timeoutMs longest that one answer may take */
  constructor(access: MarathonAccess, timeoutMs = TIMEOUT_MS) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
  }

  /** With its tasks, the deployments that change it and its last failure; undefined when there is none. */
  async app(id: string): Promise<RunningApp | undefined> {
    const embed = ["tasks", "counts", "deployments", "lastTaskFailure"].map((name) => `embed=app.${name}`);
    const path = `v2/apps${id}?${embed.join("&")}`;
    const answer = this.#call({ method: "GET", path, what: `show ${id}`, answer: answers.app });
    return (await answer.catch(undefinedIfMissing))?.app;
  }

  /** The version that runs, for {@link rollBack}; undefined when there is none. */
  async versionOf(kind: Kind, id: string): Promise<string | undefined> {
    if (kind === "app") return (await this.app(id))?.version;
    const answer = this.#call({
      method: "GET",
      path: `v2/groups${id}`,
      what: `show ${id}`,
      answer: answers.group,
    });
    return (await answer.catch(undefinedIfMissing))?.version;
  }

  /**
   * Makes the app or the group what `body` says, and nothing else: what is not in it is gone.
   *
   * @param isForced ends a deployment that is in progress
   */
  async put(kind: Kind, id: string, body: unknown, isForced: boolean): Promise<StartedDeployment> {
    // Without partialUpdate=false, fields that are no longer in the file would stay.
    const query = `force=${String(isForced)}${kind === "app" ? "&partialUpdate=false" : ""}`;
    const path = `v2/${kind}s${id}?${query}`;
    return this.#call({ method: "PUT", path, what: `deploy ${id}`, body, answer: answers.started });
  }

  /** What a PUT of that group would do. */
  async plan(id: string, body: unknown): Promise<Plan> {
    const path = `v2/groups${id}?dryRun=true`;
    return this.#call({ method: "PUT", path, what: `plan ${id}`, body, answer: answers.plan });
  }

  /** Goes back to a version from before. */
  async rollBack(kind: Kind, id: string, version: string): Promise<StartedDeployment> {
    const path = `v2/${kind}s${id}?force=true`;
    return this.#call({
      method: "PUT",
      path,
      what: `roll ${id} back`,
      body: { version },
      answer: answers.started,
    });
  }

  async remove(kind: Kind, id: string): Promise<StartedDeployment> {
    const path = `v2/${kind}s${id}?force=true`;
    return this.#call({ method: "DELETE", path, what: `remove ${id}`, answer: answers.started });
  }

  /** Never forced: a deployment that is in progress is left alone. */
  async scale(id: string, instances: number): Promise<StartedDeployment> {
    const path = `v2/apps${id}`;
    return this.#call({
      method: "PUT",
      path,
      what: `scale ${id}`,
      body: { instances },
      answer: answers.started,
    });
  }

  async deployments(): Promise<readonly RunningDeployment[]> {
    return this.#call({
      method: "GET",
      path: "v2/deployments",
      what: "list deployments",
      answer: answers.deployments,
    });
  }

  /** Ends a deployment that is in progress and goes back to what was before it. */
  async cancel(id: string): Promise<StartedDeployment> {
    const path = `v2/deployments/${encodeURIComponent(id)}`;
    return this.#call({ method: "DELETE", path, what: `end the deployment ${id}`, answer: answers.started });
  }

  async #call<T>({ method, path, what, body, answer }: Call<T>): Promise<T> {
    const { url, authorization } = this.#access;
    const address = new URL(path, url.href.endsWith("/") ? url : `${url.href}/`);
    const headers: Record<string, string> = { accept: "application/json" };
    if (authorization !== undefined) headers.authorization = authorization;
    if (body !== undefined) headers["content-type"] = "application/json";
    let status: number;
    let text: string;
    try {
      const response = await fetch(address, {
        method,
        headers,
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      status = response.status;
      text = await response.text();
    } catch (thrown) {
      throw new MarathonError("unreachable", `no answer from Marathon at ${url.href}: ${reasonOf(thrown)}`, {
        cause: thrown,
      });
    }
    const json = jsonOf(text);
    if (status >= 200 && status < 300) {
      const { data } = answer.safeParse(json);
      if (data !== undefined) return data;
      throw new MarathonError(
        "unreachable",
        `${url.href} answers, but not as Marathon does when asked to ${what}`,
      );
    }
    const refusal = answers.error.safeParse(json).data ?? { message: "", deployments: [], details: [] };
    throw errorOfAnswer(status, what, refusal, authorization !== undefined);
  }
}

function undefinedIfMissing(thrown: unknown): undefined {
  if (thrown instanceof MarathonError && thrown.code === "missing") return undefined;
  throw thrown;
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") return "it took too long";
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  const { code } = cause as { readonly code?: unknown };
  return messageOf(cause) || (typeof code === "string" ? code : "unknown");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
