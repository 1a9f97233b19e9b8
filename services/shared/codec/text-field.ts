import { writeVarint32 } from "./wire-writer.js";

const utf8 = new TextEncoder();

/** Longest text that is tried byte by byte; longer ones are quicker through TextEncoder. */
const MAX_SHORT_TEXT = 64;

/** Room that {@link writeTextField} needs at most: tag, length, and three bytes for each UTF-16 unit. */
export function textFieldBytes(text: string): number {
  return 6 + text.length * 3;
}

/** A text field as proto3 writes it: an empty text is absent. @returns the position after it */
export function writeTextField(bytes: Uint8Array, position: number, tag: number, text: string): number {
  const { length } = text;
  if (length === 0) return position;
  bytes[position] = tag;
  if (length <= MAX_SHORT_TEXT) {
    const start = position + 2;
    let index = 0;
    for (; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) break;
      bytes[start + index] = code;
    }
    if (index === length) {
      bytes[position + 1] = length;
      return start + length;
    }
  }
  const encoded = utf8.encode(text);
  const at = writeVarint32(bytes, position + 1, encoded.length);
  bytes.set(encoded, at);
  return at + encoded.length;
}
