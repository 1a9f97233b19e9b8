/** What the page reads every second, as JSON. Types only: the page is built from them too. */
import type { PlainRow } from "../shared/codec/plain-rows.js";
import type { Status } from "../status/status-report.js";

/** One look, as the charts need it. */
export interface HistoryPoint {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Records per second over the last 5 s; null of the first look. */
  readonly published: number | null;
  readonly crunched: number | null;
  readonly stored: number | null;
  /** Between publishing and storing, in seconds; null while it cannot be told. */
  readonly pathSeconds: number | null;
  /** Age of the oldest message that a stage has not finished, in seconds. */
  readonly dataSeconds: number;
  readonly resultsSeconds: number;
}

/** An engine that came or went. */
export interface EngineEvent {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** `left` took leave, `missing` said nothing for 15 s, `back` was missing. */
  readonly what: "joined" | "left" | "missing" | "back";
  readonly engineId: string;
  readonly service: string;
  readonly host: string;
  readonly pid: number;
}

export interface ConsoleLook {
  /** Where the pipeline is: NATS_URL without credentials, and NAMESPACE. */
  readonly natsUrl: string;
  readonly namespace: string | null;
  readonly version: string;
  /** False while no token is set: then nothing can be replayed from the page. */
  readonly canReplay: boolean;
  /** The server's clock, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Why the newest look failed; null if it did not. */
  readonly trouble: string | null;
  /** When {@link status} was looked at: from before its first question until after its last answer. */
  readonly lookedFromMs: number | null;
  readonly lookedUntilMs: number | null;
  /** Exactly what `crunch status --json` prints; null before the first look. */
  readonly status: Status | null;
  /** Newest first. */
  readonly latest: readonly PlainRow[];
  /** Oldest first. */
  readonly history: readonly HistoryPoint[];
  /** Newest first. */
  readonly events: readonly EngineEvent[];
}

/** One parked item in a list. */
export interface ParkedItem {
  readonly sequence: number;
  readonly parkedAt: string;
  readonly topic: string;
  readonly subject: string | null;
  readonly reason: string;
  readonly error: string;
  readonly engine: string;
  readonly records: number;
  readonly origin: { readonly stream: string; readonly sequence: number; readonly deliveries: number } | null;
  readonly isWhole: boolean;
  /** The first few. */
  readonly ids: readonly string[];
}

export interface ParkedList {
  readonly items: readonly ParkedItem[];
  /** Where the next page starts; null at the end. */
  readonly nextSequence: number | null;
}

/** One parked item, opened. */
export interface ParkedDetail extends ParkedItem {
  readonly payloadBytes: number;
  /** The first records or results in it; null if its bytes are none. */
  readonly rows: readonly PlainRow[] | null;
  readonly rowCount: number;
  /** The first bytes, as `hexdump -C` shows them, and how many they are. */
  readonly hexDump: string;
  readonly shownBytes: number;
}

/** What became of a replay. */
export interface ReplayAnswer {
  readonly ok: boolean;
  /** One sentence for people. */
  readonly detail: string;
}
