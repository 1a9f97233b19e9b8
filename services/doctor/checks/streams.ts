/** The streams and their durables as the server has them, against what the engines make. */
import type { NatsLook, StreamLook } from "../../shared/nats/look.js";
import type { Finding } from "../finding.js";

export interface StreamFacts {
  readonly look: Pick<NatsLook, "streams" | "clusterName" | "account">;
  /** STREAM_REPLICAS. */
  readonly replicas: number;
  /** STREAM_MAX_BYTES. */
  readonly maxBytes: number;
  /** RESEND_AFTER_MS. */
  readonly resendAfterMs: number;
}

export function checkStreams(facts: StreamFacts): Finding[] {
  return [
    ...checkReplicas(facts),
    ...checkAccount(facts),
    ...facts.look.streams.flatMap((stream) => [
      ...checkStream(stream, facts),
      ...checkDurable(stream, facts.resendAfterMs),
      ...checkFill(stream),
    ]),
  ];
}

function checkReplicas({ look, replicas }: StreamFacts): Finding[] {
  const value = { setting: "STREAM_REPLICAS", value: String(replicas) };
  if (look.clusterName === undefined) {
    if (replicas === 1) return [];
    return [
      {
        level: "error",
        ...value,
        limit: "1 without a cluster",
        problem: "the NATS server is a single one and keeps no copies",
        why: "the streams cannot be made and no engine starts",
      },
    ];
  }
  if (replicas >= 3) return [];
  return [
    {
      level: "warning",
      ...value,
      limit: "at least 3",
      problem: `each stream is on ${replicas === 1 ? "one server" : "two servers"} of cluster ${look.clusterName}`,
      why:
        replicas === 1
          ? "when that server is lost the stream is lost with it, and while it is away nothing flows"
          : "two copies have no majority when one server is away, so nothing flows then",
    },
  ];
}

/** Streams reserve their size: those that are still to be made must fit what the account has left. */
function checkAccount({ look, replicas, maxBytes }: StreamFacts): Finding[] {
  const { account } = look;
  if (account === undefined || account.maxStorageBytes < 0) return [];
  const absent = look.streams.filter(({ config }) => config === undefined).length;
  const there = look.streams.reduce((sum, { config }) => {
    return sum + (config === undefined ? 0 : config.maxBytes * config.replicas);
  }, 0);
  const needed = absent * maxBytes * replicas + there;
  if (absent === 0 || needed <= account.maxStorageBytes) return [];
  return [
    {
      level: "error",
      setting: "STREAM_MAX_BYTES",
      value: String(maxBytes),
      limit: `at most ${String(Math.floor((account.maxStorageBytes - there) / absent / replicas))}`,
      problem: `the streams need ${String(needed)} bytes and the NATS account has ${String(account.maxStorageBytes)}`,
      why: "the streams cannot be made and no engine starts",
    },
  ];
}

function checkStream({ name, config, differences }: StreamLook, facts: StreamFacts): Finding[] {
  if (config === undefined) return [];
  const findings: Finding[] = differences.map(({ setting, value, wanted }) => ({
    level: "error",
    setting: `NATS stream ${name}: ${setting}`,
    value,
    limit: wanted,
    problem: "the stream was made with another setting, and it is not ours to change",
    why: "no engine starts with it, because records could get lost or hidden; delete or change it, or set NAMESPACE",
  }));
  if (config.bytes > facts.maxBytes) {
    findings.push({
      level: "error",
      setting: "STREAM_MAX_BYTES",
      value: String(facts.maxBytes),
      limit: `at least ${String(config.bytes)}`,
      problem: `stream ${name} holds ${String(config.bytes)} bytes`,
      why: "no engine starts: the server would delete the oldest messages to get there; let the stream drain first",
    });
  }
  if (config.replicas !== facts.replicas) {
    findings.push({
      level: "info",
      setting: "STREAM_REPLICAS",
      value: String(facts.replicas),
      limit: "",
      problem: `stream ${name} has ${String(config.replicas)}; the next engine that starts changes that`,
      why: "engines with different settings change it back and forth",
    });
  }
  return findings;
}

function checkDurable({ name, durable, strangers, config }: StreamLook, resendAfterMs: number): Finding[] {
  const findings: Finding[] = [];
  if (durable !== undefined && durable.maxDeliver > 0) {
    findings.push({
      level: "warning",
      setting: `NATS consumer ${durable.name} of ${name}: max_deliver`,
      value: String(durable.maxDeliver),
      limit: "-1",
      problem: `a message that was delivered ${String(durable.maxDeliver)} times is delivered no more, whatever became of it`,
      why: "crashes of engines count as deliveries, so records would be lost without a word; the next engine that starts sets it to -1",
    });
  }
  if (durable !== undefined && durable.ackWaitMs !== resendAfterMs) {
    findings.push({
      level: "info",
      setting: "RESEND_AFTER_MS",
      value: String(resendAfterMs),
      limit: "",
      problem: `consumer ${durable.name} of ${name} has ${String(durable.ackWaitMs)}; the next engine that starts changes that`,
      why: "engines with different settings change it back and forth",
    });
  }
  for (const stranger of strangers) {
    if (config === undefined || stranger.behindMessages === 0) continue;
    findings.push({
      level: "warning",
      setting: `NATS consumer ${stranger.name} of ${name}`,
      value: `${String(stranger.behindMessages)} messages behind`,
      limit: "none of its own",
      problem: "a consumer that is not ours has not acked these messages",
      why: "nothing is trimmed that some consumer has not finished, so the stream fills up and publishing stops; delete it if nobody uses it",
    });
  }
  return findings;
}

const NEARLY_FULL = 0.9;

function checkFill({ name, config }: StreamLook): Finding[] {
  if (config === undefined || config.maxBytes <= 0 || config.bytes < NEARLY_FULL * config.maxBytes) return [];
  return [
    {
      level: "warning",
      setting: "STREAM_MAX_BYTES",
      value: String(config.maxBytes),
      limit: "",
      problem: `stream ${name} is ${String(Math.round((100 * config.bytes) / config.maxBytes))} % full`,
      why: "a full stream takes nothing on, so everything before it waits until its engines have caught up",
    },
  ];
}
