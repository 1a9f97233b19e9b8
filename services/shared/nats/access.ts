/**
 * How a connection proves who it is, and what it is encrypted with: from files, which are checked before
 * the first dial and read again at each later one, so that new keys and certificates need no restart.
 */
import { credsAuthenticator, nkeyAuthenticator, usernamePasswordAuthenticator } from "nats";
import type { Authenticator, ConnectionOptions, TlsOptions } from "nats";
import { readFileSync } from "node:fs";
import { UserError } from "../errors.js";
import type { NatsAddress } from "./address.js";
import { publicKeyOf } from "./nkey.js";
import { readPem } from "./pem-files.js";
import { checkIdentity } from "./server-identity.js";

/** The settings of a connection beside NATS_URL. */
export interface AccessSettings {
  readonly NATS_NKEY_FILE?: string | undefined;
  readonly NATS_CREDS_FILE?: string | undefined;
  readonly NATS_USER?: string | undefined;
  readonly NATS_PASSWORD_FILE?: string | undefined;
  readonly NATS_TLS_CA_FILE?: string | undefined;
  readonly NATS_TLS_CERT_FILE?: string | undefined;
  readonly NATS_TLS_KEY_FILE?: string | undefined;
}

type Setting = keyof AccessSettings;

/** What the client library is given. */
export type AccessOptions = Pick<ConnectionOptions, "authenticator" | "user" | "pass" | "token" | "tls">;

/**
 * @throws UserError naming the setting, its file and what is wrong: absent, empty, of another kind, expired,
 *   without its other half, or a second identity. Never with what a file holds.
 */
export function accessOptions(settings: AccessSettings, address: NatsAddress): AccessOptions {
  checkTogether(settings, "NATS_USER", "NATS_PASSWORD_FILE");
  checkTogether(settings, "NATS_TLS_CERT_FILE", "NATS_TLS_KEY_FILE");
  return { ...identityOptions(settings, address), ...tlsOptions(settings, address) };
}

function checkTogether(settings: AccessSettings, one: Setting, other: Setting): void {
  for (const [given, missing] of [
    [one, other],
    [other, one],
  ] as const) {
    const value = settings[given];
    if (value !== undefined && settings[missing] === undefined)
      throw new UserError(`${given}="${value}": needs ${missing} too`);
  }
}

function identityOptions(settings: AccessSettings, address: NatsAddress): AccessOptions {
  const isInUrl = address.user !== undefined || address.token !== undefined;
  const given: readonly string[] = [
    ...(["NATS_NKEY_FILE", "NATS_CREDS_FILE", "NATS_USER"] as const).filter(
      (setting) => settings[setting] !== undefined,
    ),
    ...(isInUrl ? ["a user in NATS_URL"] : []),
  ];
  if (given.length > 1)
    throw new UserError(`${given.join(" and ")}: a connection has one user, give one of them`);
  const { NATS_NKEY_FILE, NATS_CREDS_FILE, NATS_USER: user, NATS_PASSWORD_FILE } = settings;
  if (NATS_NKEY_FILE !== undefined) return { authenticator: byNkey(NATS_NKEY_FILE) };
  if (NATS_CREDS_FILE !== undefined) return { authenticator: byCreds(NATS_CREDS_FILE) };
  if (user !== undefined && NATS_PASSWORD_FILE !== undefined)
    return { authenticator: byPassword(user, NATS_PASSWORD_FILE) };
  return {
    ...(address.user === undefined ? {} : { user: address.user }),
    ...(address.password === undefined ? {} : { pass: address.password }),
    ...(address.token === undefined ? {} : { token: address.token }),
  };
}

function byNkey(path: string): Authenticator {
  return nkeyAuthenticator(
    reread("NATS_NKEY_FILE", path, (text) => {
      try {
        if (publicKeyOf(text).startsWith("U")) return new TextEncoder().encode(text.trim());
      } catch {
        // Said below, without what the file holds.
      }
      return "holds no seed of a user's nkey, one line that starts with SU";
    }),
  );
}

function byCreds(path: string): Authenticator {
  const read = reread("NATS_CREDS_FILE", path, (text) => {
    const [jwt = "", seed = ""] = [...text.matchAll(/-{3,}[^\n]*-{3,}\r?\n\s*(\S+)\s*\n\s*-{3,}/g)].map(
      ([, block]) => block ?? "",
    );
    const claims = claimsOf(jwt);
    if (claims === undefined || !seed.startsWith("SU"))
      return "is no credentials file: it must hold a JWT and the seed of a user's nkey";
    const { exp } = claims;
    if (exp !== undefined && exp * 1_000 <= Date.now())
      return `holds a JWT that expired at ${new Date(exp * 1_000).toISOString()}`;
    return new TextEncoder().encode(text);
  });
  return credsAuthenticator(read);
}

function claimsOf(jwt: string): { readonly exp?: number } | undefined {
  try {
    return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()) as { exp?: number };
  } catch {
    return undefined;
  }
}

function byPassword(user: string, path: string): Authenticator {
  const read = reread("NATS_PASSWORD_FILE", path, (text) => {
    const password = text.replace(/\r?\n$/, "");
    return password.includes("\n") ? "must hold one line" : { password };
  });
  return usernamePasswordAuthenticator(user, () => read().password);
}

/**
 * Reads a file now, and again at each call; a file that is bad by then, as one half-written, leaves the
 * last good one in use.
 *
 * @param parse gives what the file is for, or why it is not good, to follow the file's name
 */
function reread<Value extends object>(
  setting: Setting,
  path: string,
  parse: (text: string) => Value | string,
): () => Value {
  let good = must(setting, path, parse(readFile(setting, path)));
  return () => {
    try {
      good = must(setting, path, parse(readFile(setting, path)));
    } catch {
      // The server says whether the last good one still will do.
    }
    return good;
  };
}

function must<Value extends object>(setting: Setting, path: string, parsed: Value | string): Value {
  if (typeof parsed === "string") throw new UserError(`${setting}="${path}": ${parsed}`);
  return parsed;
}

function readFile(setting: Setting, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    const { code = "" } = thrown as NodeJS.ErrnoException;
    const why: Readonly<Record<string, string>> = {
      ENOENT: "there is no such file",
      EACCES: "this user may not read it",
      EISDIR: "is a folder, must be a file",
    };
    throw new UserError(`${setting}="${path}": ${why[code] ?? `cannot be read (${code})`}`);
  }
  if (text.trim() === "") throw new UserError(`${setting}="${path}": is empty`);
  return text;
}

function tlsOptions(settings: AccessSettings, address: NatsAddress): AccessOptions {
  const { NATS_TLS_CA_FILE: caFile, NATS_TLS_CERT_FILE: certFile, NATS_TLS_KEY_FILE: keyFile } = settings;
  if (caFile !== undefined) {
    must("NATS_TLS_CA_FILE", caFile, readPem.authorities(readFile("NATS_TLS_CA_FILE", caFile)));
  }
  if (certFile !== undefined && keyFile !== undefined) {
    const text = readFile("NATS_TLS_CERT_FILE", certFile);
    const certificate = must("NATS_TLS_CERT_FILE", certFile, readPem.certificate(text));
    const keyText = readFile("NATS_TLS_KEY_FILE", keyFile);
    must("NATS_TLS_KEY_FILE", keyFile, readPem.keyOf(certificate, certFile, keyText));
  }
  const isWanted = address.isTls || caFile !== undefined || certFile !== undefined;
  // The library upgrades to TLS whenever the server offers it, also where nothing is set.
  const files = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  if (!isWanted) return {};
  // Node's own option, which the library hands on and does not declare.
  return { tls: { ...files, checkServerIdentity: checkIdentity } as TlsOptions };
}
