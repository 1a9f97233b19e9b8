/**
 * What each user of NATS may do, and why: the only place that says it. The server's configuration
 * (`crunch nats-config`) and the table of docs/security.md are made from it.
 *
 * What no line allows is refused by the server. A reader is a consumer with a random name that acks nothing;
 * names cannot be matched by their start, so readers are allowed by `*` and the durables of the stages
 * are denied by name.
 */
import type { Subject, Topic } from "../messaging.js";
import { ROLES, inboxPrefixOf } from "./roles.js";
import type { Role } from "./roles.js";
import {
  advisorySubject,
  durableOf,
  stateStreamName,
  stateSubject,
  streamKindOf,
  streamName,
  subjectName,
} from "./topology.js";
import type { StreamKind } from "./topology.js";

/** A subject, with wildcards, and why the user needs it. */
export interface Permission {
  readonly subject: string;
  readonly why: string;
}

/** What a user may do; `deny` wins over `publish`. */
export interface Permissions {
  readonly publish: readonly Permission[];
  readonly deny: readonly Permission[];
  readonly subscribe: readonly Permission[];
}

const API = "$JS.API";
const TOPICS: readonly Topic[] = ["data", "results"];
const STREAM_KINDS: readonly StreamKind[] = ["DATA", "RESULTS", "PARKED"];

/** Builds the list of one user. */
class Grants {
  readonly #namespace: string | undefined;
  readonly #publish = new Map<string, string>();
  readonly #subscribe = new Map<string, string>();
  /** Durables that a user may take messages from, and those that it may make. */
  readonly #takes = new Set<Topic>();
  readonly #makes = new Set<Topic>();
  readonly #reads = new Set<StreamKind>();

  constructor(namespace: string | undefined) {
    this.#namespace = namespace;
  }

  publish(why: string, ...subjects: readonly Subject[]): this {
    for (const subject of subjects) this.#allow(subjectName(subject, this.#namespace), why);
    return this;
  }

  hear(why: string, ...subjects: readonly string[]): this {
    for (const subject of subjects) this.#subscribe.set(subject, why);
    return this;
  }

  hearOpen(why: string, ...subjects: readonly Subject[]): this {
    return this.hear(why, ...subjects.map((subject) => subjectName(subject, this.#namespace)));
  }

  note(why: string, ...keys: readonly string[]): this {
    for (const key of keys) this.#allow(stateSubject(key, this.#namespace), why);
    return this;
  }

  /** A request to JetStream; `{KIND}` in it stands for the name of a stream. */
  ask(why: string, ...requests: readonly string[]): this {
    for (const request of requests) {
      const named = request.replace(/\{(\w+)\}/g, (_all, kind: string) =>
        kind === "STATE" ? stateStreamName(this.#namespace) : streamName(kind as StreamKind, this.#namespace),
      );
      this.#allow(`${API}.${named}`, why);
    }
    return this;
  }

  /** Consumers that read without acking. @param filter of subjects; undefined reads the whole stream */
  read(why: string, kind: StreamKind, filter?: string): this {
    this.#reads.add(kind);
    const end = filter === undefined ? "" : `.${filter}`;
    return this.ask(why, `CONSUMER.CREATE.{${kind}}.*${end}`).ask(
      "readers: take from them, end them",
      `CONSUMER.MSG.NEXT.{${kind}}.*`,
      `CONSUMER.DELETE.{${kind}}.*`,
    );
  }

  readFrames(why: string, topic: Topic): this {
    return this.read(why, streamKindOf(topic), subjectName(`${topic}.frame`, this.#namespace));
  }

  readParked(why: string): this {
    return this.read(why, "PARKED", subjectName("parked.data", this.#namespace).replace(/data$/, "*"));
  }

  /** Takes messages from the durable of a stage, settles them, and trims what is finished. */
  work(topic: Topic): this {
    const kind = streamKindOf(topic);
    const durable = durableOf(topic);
    const stream = streamName(kind, this.#namespace);
    this.#takes.add(topic);
    this.ask("take messages", `CONSUMER.MSG.NEXT.{${kind}}.${durable}`);
    const ack = "settle what was taken: ack, redeliver, still working";
    this.#allow(`$JS.ACK.${stream}.${durable}.>`, ack);
    this.#allow(`$JS.ACK.*.*.${stream}.${durable}.>`, `${ack} (form of nats-server 2.15)`);
    this.ask("trim: what every consumer has finished", `CONSUMER.LIST.{${kind}}`);
    this.ask("trim: remove it (servers before 2.12.15)", `STREAM.MSG.DELETE.{${kind}}`);
    this.ask("trim: remove it (servers from 2.12.15)", `STREAM.PURGE.{${kind}}`);
    this.read(
      "trim: messages that the server gave up, so that they are parked first",
      "PARKED",
      advisorySubject("*", topic, this.#namespace),
    );
    this.ask("trim: put the original in the place of its advisory", "STREAM.MSG.DELETE.{PARKED}");
    this.ask("trim: whether a message is gone", `STREAM.MSG.GET.{${kind}}`, "STREAM.MSG.GET.{PARKED}");
    return this.note("trim: count records before they go", `count.${kind}`);
  }

  /** Makes or changes the durable of a stage. */
  make(topic: Topic): this {
    this.#makes.add(topic);
    const request = `CONSUMER.CREATE.{${streamKindOf(topic)}}.${durableOf(topic)}`;
    return this.ask("make the durable of the stage, set its ack wait", request);
  }

  /** Whether the streams are there and as wanted. */
  look(): this {
    return this.ask(
      "whether streams are there, and how full",
      ...STREAM_KINDS.map((kind) => `STREAM.INFO.{${kind}}`),
      "STREAM.INFO.{STATE}",
    );
  }

  lookAtDurables(why: string, ...topics: readonly Topic[]): this {
    return this.ask(
      why,
      ...topics.map((topic) => `CONSUMER.INFO.{${streamKindOf(topic)}}.${durableOf(topic)}`),
    );
  }

  /** All that the ledger is made from. */
  count(): this {
    return this.lookAtDurables("ledger: how far each stage is", ...TOPICS)
      .readFrames("ledger: how many records each frame has", "data")
      .readFrames("ledger: how many records each frame has", "results")
      .readParked("ledger: what is parked")
      .ask(
        "ledger: the oldest unfinished message, frames of other clients",
        "STREAM.MSG.GET.{DATA}",
        "STREAM.MSG.GET.{RESULTS}",
      )
      .ask("ledger: notes of sinks, counts and engines", "STREAM.MSG.GET.{STATE}");
  }

  /** An engine tells that it is there. */
  show(): this {
    return this.note("tell that this engine is there", "engine.*").ask(
      "take its own note away at its end, and those of dead engines",
      "STREAM.PURGE.{STATE}",
    );
  }

  #allow(subject: string, why: string): void {
    if (!this.#publish.has(subject)) this.#publish.set(subject, why);
  }

  #denied(): Permission[] {
    return TOPICS.filter((topic) => this.#reads.has(streamKindOf(topic))).flatMap((topic) => {
      const place = `${streamName(streamKindOf(topic), this.#namespace)}.${durableOf(topic)}`;
      const mayMake = this.#makes.has(topic);
      return [
        ...(mayMake
          ? []
          : [{ subject: `${API}.CONSUMER.CREATE.${place}`, why: "no reader: change the durable" }]),
        { subject: `${API}.CONSUMER.CREATE.${place}.>`, why: "no reader: change the durable" },
        ...(this.#takes.has(topic)
          ? []
          : [{ subject: `${API}.CONSUMER.MSG.NEXT.${place}`, why: "no reader: take messages from engines" }]),
        { subject: `${API}.CONSUMER.DELETE.${place}`, why: "no reader: forget which messages are finished" },
      ];
    });
  }

  done(): Permissions {
    const listed = (map: ReadonlyMap<string, string>): Permission[] =>
      [...map].map(([subject, why]) => ({ subject, why }));
    return { publish: listed(this.#publish), deny: this.#denied(), subscribe: listed(this.#subscribe) };
  }
}

const grantsOf: Readonly<Record<Role, (grants: Grants) => Grants>> = {
  "data-engine": (grants) =>
    grants
      .publish("send records", "data.frame")
      .publish("park rows of a source that are no records", "parked.data")
      .note("how far a run is, for whoever continues it", "run.>")
      .show()
      .look()
      .count(),
  "crunch-engine": (grants) =>
    grants
      .publish("send results", "results", "results.frame")
      .publish("park what cannot be crunched", "parked.data")
      .show()
      .look()
      .lookAtDurables("the durable of the stage, and what waits", "data")
      .ask("ledger: notes of counts", "STREAM.MSG.GET.{STATE}")
      .readFrames("trim: how many records each frame has", "data")
      .work("data"),
  "results-engine": (grants) =>
    grants
      .publish("park what the sink refuses", "parked.results")
      .note("what the sink has stored", "sink.*")
      .show()
      .look()
      .count()
      .work("results"),
  status: (grants) => reading(grants),
  console: (grants) => replaying(reading(grants)),
  operator: (grants) => {
    for (const role of ROLES) if (role !== "operator") grantsOf[role](grants);
    return grants
      .ask(
        "make streams, and bring them to STREAM_REPLICAS and STREAM_MAX_BYTES",
        ...[...STREAM_KINDS, "STATE"].flatMap((kind) => [
          `STREAM.CREATE.{${kind}}`,
          `STREAM.UPDATE.{${kind}}`,
        ]),
      )
      .make("data")
      .make("results")
      .ask(
        "doctor: consumers that hold messages back",
        ...STREAM_KINDS.map((kind) => `CONSUMER.LIST.{${kind}}`),
      )
      .ask("doctor: limits of the account", "INFO")
      .hear("doctor: the server's clock", "$JS.EVENT.ADVISORY.API");
  },
  client: (grants) =>
    grants.publish("send records", "data", "data.frame").hearOpen("hear results", "results", "results.frame"),
};

function reading(grants: Grants): Grants {
  return grants.look().count().read("list what is parked", "PARKED");
}

function replaying(grants: Grants): Grants {
  return grants
    .publish("replay what was parked", "data", "data.frame", "results", "results.frame")
    .ask("take out what was replayed or dropped", "STREAM.MSG.DELETE.{PARKED}")
    .ask("whether a message is gone", "STREAM.MSG.GET.{PARKED}")
    .note("count what was parked before it goes", "count.PARKED");
}

/** What a user may do in a namespace. */
export function permissionsOf(role: Role, namespace: string | undefined): Permissions {
  const grants = new Grants(namespace);
  const inboxes = role === "operator" ? ROLES : [role];
  for (const each of inboxes) {
    grants.hear("answers to its own requests", `${inboxPrefixOf(each, namespace)}.>`);
  }
  return grantsOf[role](grants).done();
}
