/** settings -> NATS -> a look every second -> the page, until `signal` aborts. */
import { hostname } from "node:os";
import { parseNatsUrl } from "../shared/nats/address.js";
import { connectNats } from "../shared/nats/connection.js";
import { VERSION } from "../shared/product.js";
import type { ConsoleSettings } from "./config.js";
import { ConsoleServer } from "./console-server.js";
import { readPageFiles } from "./page-files.js";
import { PipelineWatch } from "./pipeline-watch.js";
import { TokenGate } from "./token-gate.js";

export interface ConsoleRun {
  /** Called with the address of the page once it is there. */
  readonly started: (page: { readonly url: string; readonly canReplay: boolean }) => void;
  /** Hears what a person may want to know. */
  readonly note: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** @throws UserError when NATS is not there, or the port cannot be had */
export async function runConsole(settings: ConsoleSettings, run: ConsoleRun): Promise<void> {
  const { natsUrl, access, namespace, host, port, token } = settings;
  const messaging = await connectNats({
    url: natsUrl,
    access,
    role: "console",
    namespace,
    engineId: `${hostname()}-${String(process.pid)}-console`,
    warn: (_details, message) => run.note(message),
  });
  const watch = new PipelineWatch(messaging);
  const gate = new TokenGate(token);
  const about = {
    natsUrl: parseNatsUrl(natsUrl).shown,
    namespace: namespace ?? null,
    version: VERSION,
    canReplay: gate.isOpenToSomebody,
  };
  const server = new ConsoleServer({
    files: readPageFiles(),
    gate,
    parked: messaging,
    look: (afterMs) => ({ ...about, nowMs: Date.now(), ...watch.seen(afterMs) }),
    health: () => messaging.state(),
    note: run.note,
  });
  try {
    const listening = await server.listen(host, port);
    const shownHost = host.includes(":") ? `[${host}]` : host;
    run.started({ url: `http://${shownHost}:${String(listening)}/`, canReplay: gate.isOpenToSomebody });
    await watch.run(run.signal);
    await server.close();
  } finally {
    await messaging.close();
  }
}
