/** Why a connection could not be encrypted, for people. */
import { ErrorCode, NatsError } from "nats";
import { messageOf } from "../errors.js";

const NO_TLS = "the server offers no TLS, which tls:// and the NATS_TLS_ settings demand";
const UNTRUSTED =
  "the server's certificate is from an authority that is not trusted here; NATS_TLS_CA_FILE must hold the certificate of its authority";
const NO_CLIENT_CERTIFICATE =
  "the server demands a certificate of its clients, or refuses this one; NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE must hold one from an authority it trusts";

/** By the code of Node or OpenSSL. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", UNTRUSTED],
  ["SELF_SIGNED_CERT_IN_CHAIN", UNTRUSTED],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", UNTRUSTED],
  ["UNABLE_TO_GET_ISSUER_CERT", UNTRUSTED],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", UNTRUSTED],
  ["CERT_SIGNATURE_FAILURE", UNTRUSTED],
  ["CERT_HAS_EXPIRED", "the server's certificate has expired"],
  ["CERT_NOT_YET_VALID", "the server's certificate is not valid yet; is this machine's clock right?"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", NO_CLIENT_CERTIFICATE],
  ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", NO_CLIENT_CERTIFICATE],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", NO_CLIENT_CERTIFICATE],
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", NO_CLIENT_CERTIFICATE],
]);

/** The server closed the connection for want of a certificate that it trusts. */
class CertificateRefused extends Error {}

/** By the code of the client library or of Node. */
const SILENCES: ReadonlySet<string> = new Set([
  ErrorCode.Timeout,
  ErrorCode.ConnectionRefused,
  "ECONNRESET",
  "EPIPE",
]);
const NOT_OFFERED: string = ErrorCode.ServerOptionNotAvailable;

/**
 * What a failed dial of a server means that demands certificates: with TLS 1.3 it ends the connection when
 * the client already takes it for made, so that the client library waits in vain.
 */
export function asCertificateRefusal(thrown: unknown): unknown {
  const code = (thrown as { readonly code?: string } | undefined)?.code ?? "";
  const isSilence = SILENCES.has(code);
  return isSilence ? new CertificateRefused(NO_CLIENT_CERTIFICATE, { cause: thrown }) : thrown;
}

/** Undefined if the failure has nothing to do with TLS. */
export function tlsReasonOf(thrown: unknown): string | undefined {
  if (thrown instanceof CertificateRefused) return thrown.message;
  const code = (thrown as { readonly code?: string } | undefined)?.code ?? "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const { host = "", cert } = thrown as { host?: string; cert?: { subjectaltname?: string } };
    const names = cert?.subjectaltname ?? "no name";
    return `the server's certificate is not for ${host} but for ${names}; NATS_URL must name one of them`;
  }
  const isNoTls = thrown instanceof NatsError && code === NOT_OFFERED;
  if (isNoTls) return NO_TLS;
  const reason = REASONS.get(code);
  if (reason !== undefined) return reason;
  return code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_")
    ? `the encrypted connection failed: ${messageOf(thrown)}`
    : undefined;
}
