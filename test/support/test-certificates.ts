/** Certificates for tests, good and bad, made when they are needed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Authority } from "../../services/nats-config/certificates.js";
import type { Certificate } from "../../services/nats-config/certificates.js";

const DAY_MS = 86_400_000;

/** From yesterday to tomorrow. */
export const TODAY = { from: new Date(Date.now() - DAY_MS), to: new Date(Date.now() + DAY_MS) };
/** Ended yesterday. */
export const PAST = { from: new Date(Date.now() - 9 * DAY_MS), to: new Date(Date.now() - DAY_MS) };

/** Writes files and names them: `write("ca.pem", text)`. */
export type WriteFile = (name: string, text: string) => string;

export function writerIn(folder: string): WriteFile {
  return (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
}

export function newAuthority(validity = TODAY): Promise<Authority> {
  return Authority.create("test authority", validity);
}

/** The `tls` block of a server's configuration. @param clientCa path of what it trusts for clients */
export function tlsConfig(write: WriteFile, name: string, pair: Certificate, clientCa?: string): string {
  const certFile = write(`${name}.pem`, pair.certificate);
  const keyFile = write(`${name}.key`, pair.key);
  const verify = clientCa === undefined ? "" : `ca_file: "${clientCa}", verify: true, `;
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}", ${verify}timeout: 20 }\n`;
}
