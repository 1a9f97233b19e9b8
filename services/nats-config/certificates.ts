/** Certificates of our own making: an authority that signs for a few servers or clients. */
import { KeyObject, webcrypto } from "node:crypto";
import { isIP } from "node:net";
// First: the library below needs it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const KEYS = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** When a certificate is valid. */
export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly certificate: string;
  /** Secret. PKCS #8. */
  readonly key: string;
}

export interface Request {
  /** Who it is for: a name for people. */
  readonly name: string;
  /** A server's host names and addresses; without any it is for a client. */
  readonly hosts: readonly string[];
  readonly validity: Validity;
}

/** Its key is in this object only: once that is gone it signs nothing more. */
export class Authority {
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
  }

  static async create(name: string, validity: Validity): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: nameOf(name),
      notBefore: validity.from,
      notAfter: validity.to,
      keys,
      signingAlgorithm: KEYS,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Authority(certificate, keys);
  }

  /** PEM of its own certificate: what clients and servers trust. */
  get certificate(): string {
    return this.#certificate.toString("pem");
  }

  async issue({ name, hosts, validity }: Request): Promise<Certificate> {
    const keys = await newKeys();
    const names = hosts.map((host) => ({
      type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
      value: host,
    }));
    const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
    // Servers of a cluster are each other's clients.
    const uses = names.length > 0 ? [serverAuth, clientAuth] : [clientAuth];
    const certificate = await x509.X509CertificateGenerator.create({
      subject: nameOf(name),
      issuer: this.#certificate.subject,
      notBefore: validity.from,
      notAfter: validity.to,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: KEYS,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(uses),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    const key = KeyObject.from(keys.privateKey);
    return {
      certificate: `${certificate.toString("pem")}\n`,
      key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    };
  }
}

function nameOf(name: string): x509.JsonName {
  return [{ CN: [name] }];
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEYS, true, ["sign", "verify"]);
}
