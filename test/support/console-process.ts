/** `crunch console` as a process, and streams for it to show. */
import type { TestContext } from "node:test";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import { Parker } from "../../services/shared/parking.js";
import { CrunchProcess } from "./engine-process.js";
import { singleOf } from "./jobs.js";
import { connectTest } from "./nats-fixture.js";
import { until } from "./until.js";

const PATIENCE_MS = 60_000;

/** On a free port. @returns its address, without a slash at the end */
export async function startConsole(t: TestContext, env: Readonly<Record<string, string>>): Promise<string> {
  const served = new CrunchProcess(["console", "--json", "--console-port", "0"], env);
  t.after(() => served.kill("SIGKILL"));
  await until(() => served.stdout !== "" || served.ended, PATIENCE_MS, "the address");
  const { url } = JSON.parse(served.stdout) as { url: string };
  return url.replace(/\/$/, "");
}

/** Streams with one record and, parked, another one. */
export async function streamsWithParked(
  t: TestContext,
  natsUrl: string,
  namespace: string,
): Promise<NatsMessaging> {
  const messaging = await connectTest(natsUrl, { namespace });
  t.after(() => messaging.close());
  const { publisher } = messaging;
  await publisher.publish({
    subject: "data",
    payload: singleOf({ id: 1n, data: 27n, meta: "one" }).payload,
    messageId: "one",
  });
  const parked = singleOf({ id: 5n, data: 3n, meta: "<b>five</b>" });
  await new Parker(publisher, "engine-7").park({
    topic: "data",
    subject: "data",
    payload: parked.payload,
    reason: "cruncher_threw",
    error: "Error: odd\n    at a.mjs:1",
    id: "five",
    origin: { ...parked.origin, stream: `${namespace}-DATA`, sequence: 1, deliveries: 2 },
  });
  return messaging;
}
