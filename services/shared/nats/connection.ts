/** NATS_URL -> a connection with its streams in place, or one sentence that says why not. */
import { connect } from "nats";
import type { ConnectionOptions, NatsConnection } from "nats";
import { EngineError, UserError } from "../errors.js";
import { accessOptions } from "./access.js";
import type { AccessOptions, AccessSettings } from "./access.js";
import { parseNatsUrl } from "./address.js";
import type { NatsAddress } from "./address.js";
import { NobodyAnswers, afterConnect, isTimeout, reasonOf } from "./connect-failure.js";
import { throughElections } from "./elections.js";
import { Link } from "./link.js";
import type { Warn } from "./link.js";
import { NatsMessaging } from "./nats-messaging.js";
import { ensureStateStream } from "./nats-notes.js";
import { throughPauses } from "./pauses.js";
import { probe } from "./probe.js";
import { ReconnectDelay } from "./reconnect-delay.js";
import { inboxPrefixOf } from "./roles.js";
import type { Role } from "./roles.js";
import { asCertificateRefusal } from "./tls-failure.js";
import { ensureStreams } from "./topology.js";
import type { Tracer } from "../trace/tracer.js";

/** How to connect. */
export interface NatsOptions {
  /** NATS_URL: servers of one cluster, separated by commas. */
  readonly url: string;
  /** Identity and encryption, from files. Default: what `url` has. */
  readonly access?: AccessSettings;
  /** The least user that may do what this program does: answers go to its inbox. Default: any user's. */
  readonly role?: Role;
  /** NAMESPACE. */
  readonly namespace?: string | undefined;
  /** Names this process to the server and in parked messages. */
  readonly engineId: string;
  /** The streams are made, or adapted, with these two. Tools give neither, and leave them as they are. */
  readonly streamReplicas?: number;
  readonly streamMaxBytes?: number;
  /** Hears what a person may want to know: disconnects, retries, a durable made again. */
  readonly warn: Warn;
  /** Records the parking of whole messages. */
  readonly tracer?: Tracer;
  /** Ends the wait for a cluster that chooses its leader. */
  readonly signal?: AbortSignal;
  /** How often finished messages are removed, in milliseconds. Default 5000. */
  readonly trimEveryMs?: number;
}

/** A server that says nothing for this long counts as absent at the first connect. */
const FIRST_ANSWER_MS = 4_000;
/** One dial of the library, also of a reconnect: short, so that a healed link is found soon. */
const DIAL_MS = 3_000;
/** Longest wait for an answer of JetStream, in milliseconds. */
export const API_TIMEOUT_MS = 3_000;

/**
 * Connects and makes the streams: within about 5 s, or 30 s more while a cluster chooses its leader.
 *
 * @throws UserError naming NATS_URL and why: unparsable, refused, unknown host, timeout, authorization,
 *   no JetStream; or naming the setting that a stream could not be made with
 * @throws EngineError `stopped_waiting` when `signal` ended the wait for a leader
 */
export async function connectNats(options: NatsOptions): Promise<NatsMessaging> {
  const address = parseNatsUrl(options.url);
  const access = accessOptions(options.access ?? {}, address);
  try {
    return await throughPauses(() => connectOnce({ address, access }, options), isTimeout);
  } catch (thrown) {
    if (thrown instanceof UserError || thrown instanceof EngineError) throw thrown;
    throw new UserError(`NATS_URL="${address.shown}": ${reasonOf(thrown)}`, { cause: thrown });
  }
}

async function connectOnce(target: Target, options: NatsOptions): Promise<NatsMessaging> {
  const inboxPrefix = inboxPrefixOf(options.role ?? "client", options.namespace);
  const nc = await dial(target, options.engineId, inboxPrefix);
  try {
    // Asking for account information needs a permission that engines should not have.
    const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: API_TIMEOUT_MS });
    const { namespace, streamReplicas: replicas, streamMaxBytes: maxBytes, warn, signal } = options;
    if (replicas !== undefined && maxBytes !== undefined) {
      const makeStreams = async (): Promise<void> => {
        await ensureStreams(jsm, { namespace, replicas, maxBytes }, warn);
        await ensureStateStream(jsm, namespace, replicas);
      };
      await throughElections(makeStreams, { nc, warn, signal });
    }
    return new NatsMessaging(new Link(nc, jsm, warn), {
      engineId: options.engineId,
      namespace: options.namespace,
      inboxPrefix,
      trimEveryMs: options.trimEveryMs ?? 5_000,
      warn,
      tracer: options.tracer,
      signal,
    });
  } catch (thrown) {
    await closeQuietly(nc);
    throw afterConnect(thrown);
  }
}

/** Where to connect to, and as whom. */
export interface Target {
  readonly address: NatsAddress;
  readonly access: AccessOptions;
}

/**
 * Connects to one of the servers that answer.
 *
 * @param name of this process, for the server's own lists
 * @throws what `reasonOf` reads
 */
export async function dial(target: Target, name: string, inboxPrefix: string): Promise<NatsConnection> {
  const { servers, demandsCertificate } = await answeringFirst(target.address.servers);
  try {
    return await connect(connectionOptions(target.access, servers, name, inboxPrefix));
  } catch (thrown) {
    throw demandsCertificate ? asCertificateRefusal(thrown) : thrown;
  }
}

/** All servers, those that answer first; in random order, so that clients spread over a cluster. */
async function answeringFirst(
  servers: readonly string[],
): Promise<{ readonly servers: string[]; readonly demandsCertificate: boolean }> {
  const probes = await Promise.all(
    servers.map(async (server) => ({
      server,
      greeting: await probe(server, FIRST_ANSWER_MS),
      place: Math.random(),
    })),
  );
  const isSilent = ({ greeting }: (typeof probes)[number]): number => Number(typeof greeting === "string");
  probes.sort((a, b) => isSilent(a) - isSilent(b) || a.place - b.place);
  const silences = probes.map(({ greeting }) => greeting).filter((greeting) => typeof greeting === "string");
  if (silences.length === servers.length) throw new NobodyAnswers(silences);
  return {
    servers: probes.map(({ server }) => server),
    demandsCertificate: probes.some(
      ({ greeting }) => typeof greeting !== "string" && greeting.demandsCertificate,
    ),
  };
}

function connectionOptions(
  access: AccessOptions,
  servers: string[],
  name: string,
  inboxPrefix: string,
): ConnectionOptions {
  const reconnectDelay = new ReconnectDelay(servers.length);
  return {
    name,
    servers,
    noRandomize: true,
    ...access,
    inboxPrefix,
    timeout: DIAL_MS,
    // The default gives up for good after 20 s.
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => reconnectDelay.nextMs(),
    // The default takes 6 minutes to notice a dead link; this takes 6 to 8 s.
    pingInterval: 2_000,
    maxPingOut: 2,
    // Otherwise two refusals in a row, as while credentials are exchanged, close for good.
    ignoreAuthErrorAbort: true,
    // Stack traces of requests cost half of the speed.
    noAsyncTraces: true,
    // Leaves names to the system's resolver, which knows /etc/hosts.
    resolve: false,
  };
}

async function closeQuietly(nc: NatsConnection): Promise<void> {
  try {
    await nc.close();
  } catch {
    // The reason it is closed for is on its way already.
  }
}
