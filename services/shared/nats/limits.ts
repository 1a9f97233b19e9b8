/** What every stream and durable of ours has, whatever the settings. */

/** A stream remembers message ids for this long; trimming keeps messages at least as long. */
export const DEDUPE_WINDOW_MS = 600_000;

/** Unacked messages of all engines of a stage together; delivery stops for everyone above it. */
export const MAX_ACK_PENDING = 100_000;
