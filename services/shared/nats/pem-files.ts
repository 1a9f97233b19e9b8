/** Certificates and keys as files hold them: what they are for, or why they are not good. */
import { X509Certificate, createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

const BLOCK = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** Each gives what a file holds, or a text that follows the name of the file. */
export const readPem = { authorities, certificate, keyOf };

/** Certificates of authorities, one at least of which is valid today. */
function authorities(text: string): readonly X509Certificate[] | string {
  const all = certificatesIn(text);
  if (typeof all === "string") return all;
  const reasons = all.map(whyNotValid);
  return reasons.includes(undefined) ? all : (reasons[0] ?? "");
}

/** A certificate, followed by those between it and its authority, if any. */
function certificate(text: string): X509Certificate | string {
  const all = certificatesIn(text);
  const [first] = typeof all === "string" ? [] : all;
  if (typeof all === "string" || first === undefined) return typeof all === "string" ? all : "";
  return whyNotValid(first) ?? first;
}

/** @param certFile name of the file of the certificate */
function keyOf(certificate: X509Certificate, certFile: string, text: string): KeyObject | string {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    return text.includes("ENCRYPTED")
      ? "holds a key with a passphrase, must be one without"
      : "holds no private key (PEM: -----BEGIN PRIVATE KEY-----)";
  }
  return certificate.checkPrivateKey(key) ? key : `is not the key of the certificate in ${certFile}`;
}

function certificatesIn(text: string): readonly X509Certificate[] | string {
  try {
    const all = (text.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
    if (all.length > 0) return all;
  } catch {
    // Said below.
  }
  return "holds no certificate (PEM: -----BEGIN CERTIFICATE-----)";
}

function whyNotValid({ validFrom, validTo }: X509Certificate): string | undefined {
  const nowMs = Date.now();
  if (Date.parse(validTo) < nowMs) return `the certificate expired at ${new Date(validTo).toISOString()}`;
  if (Date.parse(validFrom) > nowMs)
    return `the certificate is valid only from ${new Date(validFrom).toISOString()}`;
  return undefined;
}
