import type { Socket } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { PeerCertificate } from "node:tls";

/**
 * Whether a certificate is that of the server that was dialled. Where that was an address in numbers, the
 * client library names nobody, and Node would look for `localhost` in the certificate.
 *
 * @param this options of the TLS connection, with the socket below it
 */
export function checkIdentity(
  this: { readonly socket?: Socket } | undefined,
  host: string,
  certificate: PeerCertificate,
): Error | undefined {
  const asNamed = checkServerIdentity(host, certificate);
  const address = this?.socket?.remoteAddress;
  if (host !== "localhost" || address === undefined) return asNamed;
  const asAddress = checkServerIdentity(address, certificate);
  if (asAddress === undefined) return undefined;
  // A name on this very machine may stand for its address.
  return /^(127\.|::1$)/.test(address) ? asNamed : asAddress;
}
