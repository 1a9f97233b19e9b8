import type { MessageOrigin } from "./messaging.js";

/**
 * The name of a stored message, for ever and for nothing else. With the instant it was stored, because
 * a server that is killed may forget its newest message after it delivered it, and gives its sequence
 * to another one.
 */
export function originName({ stream, streamCreatedAt, sequence, storedAtNs }: MessageOrigin): string {
  return `${stream}-${streamCreatedAt}-${String(sequence)}-${String(storedAtNs)}`;
}
