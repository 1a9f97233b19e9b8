/** Keys of NATS users. */
import { nkeys as untyped } from "nats";

interface KeyPair {
  getSeed(): Uint8Array;
  getPublicKey(): string;
}

/** The client library hands it on without its types. */
const nkeys = untyped as {
  createUser(): KeyPair;
  /** @throws Error when the text is no seed */
  fromSeed(seed: Uint8Array): KeyPair;
};

/** A new secret: one line of text. */
export function newSeed(): string {
  return new TextDecoder().decode(nkeys.createUser().getSeed());
}

/**
 * The name by which a server knows who has the secret; no secret itself.
 *
 * @throws Error when the text is no seed
 */
export function publicKeyOf(seed: string): string {
  return nkeys.fromSeed(new TextEncoder().encode(seed.trim())).getPublicKey();
}
