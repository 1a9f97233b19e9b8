import type { KeptMessage } from "./messaging.js";

/** What stands behind the first frame is left out: a frame alone carries many records. */
export function upToFirstFrame(messages: readonly KeptMessage[]): readonly KeptMessage[] {
  const frame = messages.findIndex(({ isFrame }) => isFrame);
  return frame < 0 ? messages : messages.slice(0, frame + 1);
}
