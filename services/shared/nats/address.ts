/** NATS_URL: from text to what the client library is given. */
import { UserError } from "../errors.js";

const DEFAULT_PORT = "4222";

/** A parsed NATS_URL. */
export interface NatsAddress {
  /** `host:port` of each server. */
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** True if a `tls://` address asks for an encrypted connection whatever the server says. */
  readonly isTls: boolean;
  /** The setting as it may be shown: without passwords. */
  readonly shown: string;
}

/**
 * Reads a comma list of `nats://[user:password@]host[:port]` or `tls://...`; the scheme may be left out.
 * A user without password is a token. Credentials are taken from the first address that has some.
 *
 * @throws UserError that names NATS_URL, its value and what is wrong with it
 */
export function parseNatsUrl(text: string): NatsAddress {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (parts.length === 0)
    throw new UserError(`NATS_URL="${text}": names no server, e.g. nats://127.0.0.1:4222`);
  const urls = parts.map((part) => parseOne(text, part));
  const withUser = urls.find((url) => url.username !== "");
  const user = withUser === undefined ? undefined : unescaped(text, withUser.username);
  const hasPassword = withUser !== undefined && withUser.password !== "";
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port === "" ? DEFAULT_PORT : url.port}`),
    user: hasPassword ? user : undefined,
    password: hasPassword ? unescaped(text, withUser.password) : undefined,
    token: hasPassword ? undefined : user,
    isTls: urls.some((url) => url.protocol === "tls:"),
    shown: withoutPasswords(text),
  };
}

function parseOne(text: string, part: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(part.includes("://") ? part : `nats://${part}`);
  } catch {
    url = undefined;
  }
  const isKnown = url?.protocol === "nats:" || url?.protocol === "tls:";
  const isBare = url !== undefined && (url.pathname === "" || url.pathname === "/") && url.search === "";
  if (url === undefined || !isKnown || !isBare || url.hostname === "" || url.port === "0") {
    const which = text.includes("@") ? "one of them" : `"${part}"`;
    throw new UserError(
      `NATS_URL="${withoutCredentials(text)}": ${which} is no address; ` +
        `must look like nats://host:port with a port from 1 to 65535`,
    );
  }
  return url;
}

function withoutPasswords(text: string): string {
  return text
    .split(",")
    .map((part) => part.replace(/^(\s*(?:\w+:\/\/)?).*@/s, "$1***@"))
    .join(",");
}

/** The same for text that is no list of addresses, so that only its last `@` tells where no secret can be. */
function withoutCredentials(text: string): string {
  const end = text.lastIndexOf("@");
  return end < 0 ? text : `***${text.slice(end)}`;
}

function unescaped(text: string, credential: string): string {
  try {
    return decodeURIComponent(credential);
  } catch {
    throw new UserError(
      `NATS_URL="${withoutCredentials(text)}": a % in user or password must be written %25`,
    );
  }
}
