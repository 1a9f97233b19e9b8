/** Who may change something from the page: whoever has the token. */
import { createHash, timingSafeEqual } from "node:crypto";

/** Why somebody may not; undefined who may. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly detail: string;
}

export class TokenGate {
  readonly #digest: Buffer | undefined;

  /** @param token undefined: nobody may */
  constructor(token: string | undefined) {
    this.#digest = token === undefined ? undefined : digestOf(token);
  }

  get isOpenToSomebody(): boolean {
    return this.#digest !== undefined;
  }

  /** @param authorization the header of a request. The time it takes says nothing about the token. */
  refusalOf(authorization: string | undefined): Refusal | undefined {
    if (this.#digest === undefined) {
      return { status: 403, detail: "the page is read-only: the console was started without CONSOLE_TOKEN" };
    }
    const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
    if (given === undefined) return { status: 401, detail: "a token is needed: Authorization: Bearer TOKEN" };
    if (timingSafeEqual(digestOf(given), this.#digest)) return undefined;
    return { status: 403, detail: "this is not the token that the console was started with" };
  }
}

/** Of one length, whatever the token's. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
