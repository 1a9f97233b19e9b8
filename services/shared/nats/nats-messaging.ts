/** Messaging over one connection to NATS. Made by `connectNats`. */
import type { StoredMsg } from "nats";
import { UserError, messageOf } from "../errors.js";
import type {
  Backlog,
  ConsumerOptions,
  KeptMessage,
  Messaging,
  Publisher,
  Subject,
  Topic,
} from "../messaging.js";
import type { StreamsLook } from "../streams-look.js";
import type { Notes } from "../notes.js";
import type { ParkedStore } from "../parked-store.js";
import { Parker } from "../parking.js";
import { NO_MESSAGE_FOUND, apiCodeOf } from "./api-errors.js";
import { isTimeout } from "./connect-failure.js";
import { NatsConsumer } from "./consumer.js";
import { ensureDurable, findDurable } from "./durable.js";
import { throughElections } from "./elections.js";
import { toRecord } from "./headers.js";
import { findLastHeaders } from "./last-headers.js";
import type { Link, Warn } from "./link.js";
import { NatsNotes } from "./nats-notes.js";
import { newestMessages } from "./newest-messages.js";
import { NatsParkedStore } from "./nats-parked-store.js";
import { ParkedCounter } from "./parked-counter.js";
import { throughPauses } from "./pauses.js";
import { NatsPublisher } from "./publisher.js";
import { RecordCounter } from "./record-counter.js";
import { serverLook } from "./server-look.js";
import type { ServerLook } from "./server-look.js";
import { lookAtStreams } from "./streams-look.js";
import type { Counters } from "./streams-look.js";
import { NO_TRACER } from "../trace/tracer.js";
import type { Tracer } from "../trace/tracer.js";
import { findStream, streamKindOf, streamKindOfSubject, streamName, subjectName } from "./topology.js";

/** What `connectNats` hands over besides the connection. */
export interface NatsMessagingParts {
  readonly engineId: string;
  readonly namespace: string | undefined;
  readonly inboxPrefix: string;
  readonly trimEveryMs: number;
  readonly warn: Warn;
  readonly tracer: Tracer | undefined;
  /** Ends the wait for a cluster that chooses its leader. */
  readonly signal: AbortSignal | undefined;
}

export class NatsMessaging implements Messaging {
  readonly publisher: Publisher;
  readonly parkedStore: ParkedStore;
  readonly notes: Notes;
  readonly #counters: Counters;
  readonly #link: Link;
  readonly #parts: NatsMessagingParts;
  readonly #parker: Parker;

  constructor(link: Link, parts: NatsMessagingParts) {
    this.#link = link;
    this.#parts = parts;
    this.publisher = new NatsPublisher(link, parts.namespace, parts.inboxPrefix);
    this.notes = new NatsNotes(link, parts.namespace);
    this.#counters = {
      data: new RecordCounter(link, this.notes, "data", parts.namespace),
      results: new RecordCounter(link, this.notes, "results", parts.namespace),
      parked: new ParkedCounter(link, this.notes, parts.namespace),
    };
    this.parkedStore = new NatsParkedStore(link, parts.namespace, this.#counters.parked);
    const { engineId, warn, tracer = NO_TRACER } = parts;
    this.#parker = new Parker(this.publisher, engineId, { warn, tracer });
  }

  async consumer(options: ConsumerOptions): Promise<NatsConsumer> {
    if (!Number.isInteger(options.maxInFlight) || options.maxInFlight < 1) {
      throw new UserError(`maxInFlight=${String(options.maxInFlight)} must be a whole number from 1`);
    }
    const { namespace, inboxPrefix, trimEveryMs, warn, signal } = this.#parts;
    const stream = streamName(streamKindOf(options.topic), namespace);
    const { nc, jsm } = this.#link;
    const makeDurable = () => ensureDurable(jsm, stream, options.topic, options.ackWaitMs);
    await throughPauses(() => throughElections(makeDurable, { nc, warn, signal }), isTimeout);
    const parts = {
      link: this.#link,
      parker: this.#parker,
      counter: this.#counters[options.topic],
      stream,
      namespace,
      inboxPrefix,
      trimEveryMs,
      warn,
    };
    return new NatsConsumer(parts, options);
  }

  async backlog(topic: Topic): Promise<Backlog> {
    const stream = streamName(streamKindOf(topic), this.#parts.namespace);
    const [info, durable] = await Promise.all([
      this.#link.jsm.streams.info(stream),
      findDurable(this.#link.jsm, stream, topic),
    ]);
    return {
      // Without the durable no engine was ever here, so everything stored waits.
      pendingMessages: durable?.num_pending ?? info.state.messages,
      unackedMessages: durable?.num_ack_pending ?? 0,
      lastSequence: info.state.last_seq,
      bytes: info.state.bytes,
      maxBytes: info.config.max_bytes,
    };
  }

  /** False where no engine has ever been. */
  async hasStreams(): Promise<boolean> {
    const { namespace } = this.#parts;
    for (const kind of ["DATA", "RESULTS", "PARKED"] as const) {
      if ((await findStream(this.#link.jsm, streamName(kind, namespace))) === undefined) return false;
    }
    return true;
  }

  streamsLook(meanwhile?: () => Promise<void>): Promise<StreamsLook> {
    return lookAtStreams(this.#link, this.#counters, this.#parts.namespace, meanwhile);
  }

  newest(topic: Topic, singles: number): Promise<readonly KeptMessage[]> {
    return newestMessages(this.#link, topic, this.#parts.namespace, singles);
  }

  /** Counts what was ever parked, also after somebody removed some of it. */
  async parkedMessages(): Promise<number> {
    const info = await this.#link.jsm.streams.info(streamName("PARKED", this.#parts.namespace));
    return info.state.last_seq;
  }

  async lastHeaders(
    subject: Subject,
    having?: { readonly header: string; readonly value: string },
  ): Promise<Readonly<Record<string, string>> | undefined> {
    const { namespace } = this.#parts;
    const stream = streamName(streamKindOfSubject(subject), namespace);
    const fullSubject = subjectName(subject, namespace);
    let stored: StoredMsg;
    try {
      stored = await this.#link.jsm.streams.getMessage(stream, { last_by_subj: fullSubject });
    } catch (thrown) {
      if (apiCodeOf(thrown) === NO_MESSAGE_FOUND) return undefined;
      throw thrown;
    }
    const newest = toRecord(stored.header);
    if (having === undefined || newest[having.header] === having.value) return newest;
    return findLastHeaders(this.#link, stream, fullSubject, stored.seq, having);
  }

  /** The server we are connected to. */
  get server(): ServerLook {
    return serverLook(this.#link.nc);
  }

  state(): { readonly ok: boolean; readonly detail: string } {
    const broken = this.#link.broken;
    if (broken !== undefined) return { ok: false, detail: messageOf(broken) };
    if (!this.#link.isConnected) return { ok: false, detail: "disconnected from NATS, reconnecting" };
    return { ok: true, detail: `connected to ${this.#link.nc.getServer()}` };
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
