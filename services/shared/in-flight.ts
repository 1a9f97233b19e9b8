/** How many messages a consumer may have in hand: by count, by bytes, and by how fast they are settled. */

export interface InFlightOptions {
  /** Messages in hand at once, at most. */
  readonly maxInFlight: number;
  /** No message is taken while those in hand have this many payload bytes; 64 MiB unless given. */
  readonly maxInFlightBytes?: number;
  /**
   * Messages that are slow to settle are better left to other engines: then no more are in hand than
   * were settled within `holdMs`, but `minInFlight` at least, and before anything was measured. Absent: always up to
   * `maxInFlight`.
   */
  readonly pace?: {
    readonly minInFlight: number;
    readonly holdMs: number;
  };
}

const DEFAULT_MAX_BYTES = 67_108_864;
/** The rate of settling is measured over at least this long, in milliseconds. */
const MEASURE_MS = 50;
/** Share of the newest measurement in the rate, where it is higher. */
const WEIGHT = 0.5;
/** What each smaller message takes away from the size that the next one is expected to have. */
const SHRINK = 0.98;
/** The first messages are asked for as if so many were all that fits. */
const FIRST_BY_BYTES = 64;

/** Keeps account of the messages in hand. No clock of its own: times are arguments, in milliseconds. */
export class InFlight {
  readonly #options: InFlightOptions;
  readonly #maxBytes: number;
  #messages = 0;
  #bytes = 0;
  /** Size of the largest recent message. */
  #expectedBytes: number;
  #paced: number;
  #perMs: number | undefined;
  #settled = 0;
  /** Time with messages in hand since the last measurement, and when the present one began. */
  #busyMs = 0;
  #busySinceMs = 0;

  constructor(options: InFlightOptions) {
    this.#options = options;
    this.#maxBytes = options.maxInFlightBytes ?? DEFAULT_MAX_BYTES;
    this.#expectedBytes = Math.max(1, this.#maxBytes / FIRST_BY_BYTES);
    this.#paced = options.pace?.minInFlight ?? options.maxInFlight;
  }

  /** Messages that may be in hand at present, at least one. */
  get limit(): number {
    const byBytes = Math.floor(this.#maxBytes / this.#expectedBytes);
    return Math.max(1, Math.min(this.#options.maxInFlight, this.#paced, byBytes));
  }

  /** Messages that may be asked for besides those in hand and the `requested` that are on their way. */
  room(requested: number): number {
    const byCount = Math.min(this.#options.maxInFlight, this.#paced) - this.#messages - requested;
    const freeBytes = this.#maxBytes - this.#bytes;
    const byBytes = Math.floor(freeBytes / this.#expectedBytes) - requested;
    if (this.#messages + requested === 0) return Math.max(1, Math.min(byCount, byBytes));
    return Math.max(0, Math.min(byCount, byBytes));
  }

  taken(bytes: number, nowMs: number): void {
    if (this.#messages === 0) this.#busySinceMs = nowMs;
    this.#messages += 1;
    this.#bytes += bytes;
    this.#expectedBytes = Math.max(1, bytes, this.#expectedBytes * SHRINK);
  }

  settled(bytes: number, nowMs: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    if (this.#options.pace !== undefined) this.#measure(this.#options.pace, nowMs);
  }

  /** Time with nothing to do says nothing about how fast messages are settled, and is left out. */
  #measure(pace: NonNullable<InFlightOptions["pace"]>, nowMs: number): void {
    this.#settled += 1;
    this.#busyMs += nowMs - this.#busySinceMs;
    this.#busySinceMs = nowMs;
    if (this.#busyMs < MEASURE_MS) return;
    const perMs = this.#settled / this.#busyMs;
    const average = this.#perMs === undefined ? perMs : this.#perMs + WEIGHT * (perMs - this.#perMs);
    // Down at once, up by and by: too few in hand for a moment cost less than work kept from others.
    this.#perMs = Math.min(perMs, average);
    const paced = Math.max(pace.minInFlight, Math.ceil(this.#perMs * pace.holdMs));
    this.#paced = Math.min(this.#options.maxInFlight, paced);
    this.#settled = 0;
    this.#busyMs = 0;
  }
}
