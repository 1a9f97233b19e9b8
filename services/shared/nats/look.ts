/** What a NATS server, its streams and their consumers look like. Changes nothing there. */
import { AckPolicy } from "nats";
import type { JetStreamManager, NatsConnection } from "nats";
import { UserError } from "../errors.js";
import type { Topic } from "../messaging.js";
import { accessOptions } from "./access.js";
import type { AccessSettings } from "./access.js";
import { finishedUpTo } from "./ack-floor.js";
import { parseNatsUrl } from "./address.js";
import { apiCodeOf } from "./api-errors.js";
import { lookAtClock } from "./clock-look.js";
import type { ClockLook } from "./clock-look.js";
import { afterConnect, reasonOf } from "./connect-failure.js";
import { API_TIMEOUT_MS, dial } from "./connection.js";
import { listConsumers } from "./consumer-list.js";
import { inboxPrefixOf } from "./roles.js";
import { serverLook } from "./server-look.js";
import type { ServerLook } from "./server-look.js";
import { durableOf, findStream, streamDifferences, streamName, wantedStream } from "./topology.js";
import type { StreamDifference, StreamKind, StreamSettings } from "./topology.js";

export type { ClockLook } from "./clock-look.js";

export interface NatsLook {
  readonly server: ServerLook;
  /** The machine that we reached, without port. */
  readonly host: string;
  /** Undefined for a server of its own. */
  readonly clusterName: string | undefined;
  /** Undefined where this user may not ask. -1 bytes is without limit. */
  readonly account: { readonly maxStorageBytes: number } | undefined;
  readonly streams: readonly StreamLook[];
  /** Why there is none, as text. */
  readonly clock: ClockLook | string;
}

export interface StreamLook {
  readonly name: string;
  /** Undefined if the stream is still to be made. */
  readonly config:
    { readonly maxBytes: number; readonly replicas: number; readonly bytes: number } | undefined;
  /** What is set otherwise than an engine would accept. */
  readonly differences: readonly StreamDifference[];
  /** The stage's own consumer; undefined if it is still to be made. */
  readonly durable:
    { readonly name: string; readonly ackWaitMs: number; readonly maxDeliver: number } | undefined;
  /** Consumers that are not ours and hold messages back. */
  readonly strangers: readonly { readonly name: string; readonly behindMessages: number }[];
}

const NS_PER_MS = 1_000_000;

/**
 * @param url NATS_URL
 * @param access identity and encryption
 * @throws UserError naming NATS_URL and why the server cannot be asked
 */
export async function lookAtNats(
  url: string,
  access: AccessSettings,
  settings: StreamSettings,
): Promise<NatsLook> {
  const address = parseNatsUrl(url);
  const target = { address, access: accessOptions(access, address) };
  let nc: NatsConnection | undefined;
  try {
    nc = await dial(target, "crunch-doctor", inboxPrefixOf("operator", settings.namespace));
    const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: API_TIMEOUT_MS });
    const { namespace } = settings;
    const streams: StreamLook[] = [];
    for (const [kind, topic] of [
      ["DATA", "data"],
      ["RESULTS", "results"],
      ["PARKED", undefined],
    ] as const) {
      streams.push(await lookAtStream(nc, jsm, streamName(kind, namespace), kind, topic, settings));
    }
    return {
      server: serverLook(nc),
      host: new URL(`nats://${nc.getServer()}`).hostname,
      clusterName: nc.info?.cluster,
      account: await lookAtAccount(jsm),
      streams,
      clock: await lookAtClock(nc, jsm),
    };
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const reason = reasonOf(nc === undefined ? thrown : afterConnect(thrown));
    throw new UserError(`NATS_URL="${address.shown}": ${reason}`, { cause: thrown });
  } finally {
    // The reason that it is closed for is on its way already.
    await nc?.close().catch(() => undefined);
  }
}

async function lookAtStream(
  nc: NatsConnection,
  jsm: JetStreamManager,
  name: string,
  kind: StreamKind,
  topic: Topic | undefined,
  settings: StreamSettings,
): Promise<StreamLook> {
  const info = await findStream(jsm, name);
  if (info === undefined) {
    return { name, config: undefined, differences: [], durable: undefined, strangers: [] };
  }
  const { config, state } = info;
  const ours = topic === undefined ? undefined : durableOf(topic);
  let durable: StreamLook["durable"];
  const strangers: { name: string; behindMessages: number }[] = [];
  for (const consumer of await listConsumers(nc, name)) {
    if (consumer.name === ours) {
      durable = {
        name: ours,
        ackWaitMs: (consumer.config.ack_wait ?? 0) / NS_PER_MS,
        maxDeliver: consumer.config.max_deliver ?? -1,
      };
    } else if (topic !== undefined && consumer.config.ack_policy !== AckPolicy.None) {
      const behindMessages = Math.max(0, state.last_seq - finishedUpTo(consumer));
      strangers.push({ name: consumer.name, behindMessages });
    }
  }
  return {
    name,
    config: { maxBytes: config.max_bytes, replicas: config.num_replicas, bytes: state.bytes },
    differences: streamDifferences(config, wantedStream(kind, settings)),
    durable,
    strangers,
  };
}

/** Engines get along without this permission. */
async function lookAtAccount(jsm: JetStreamManager): Promise<NatsLook["account"]> {
  try {
    const { limits } = await jsm.getAccountInfo();
    return { maxStorageBytes: limits.max_storage };
  } catch (thrown) {
    if (apiCodeOf(thrown) !== undefined) throw thrown;
    return undefined;
  }
}
