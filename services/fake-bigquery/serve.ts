/** The fake as a program of its own. */
import { existsSync } from "node:fs";
import { UserError, messageOf } from "../shared/errors.js";
import { FakeBigQuery } from "./fake-bigquery.js";
import { readFault } from "./fault-text.js";

export interface ServeOptions {
  readonly port: number;
  /** Of the Storage Write API. */
  readonly grpcPort: number;
  readonly host: string;
  /** A file to make, that keeps the rows; in memory of this process unless given. */
  readonly database?: string | undefined;
  /** Faults as JSON, in the order in which they happen. */
  readonly faults: readonly string[];
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called with the addresses, of REST and of the Storage Write API, once it listens. */
  readonly started: (url: string, writeUrl: string) => void;
}

/**
 * Serves until `signal` aborts.
 *
 * @throws UserError when a fault cannot be read or the port cannot be had
 */
export async function serveFakeBigQuery({
  port,
  grpcPort,
  host,
  database,
  faults,
  signal,
  started,
}: ServeOptions): Promise<void> {
  const script = faults.map(readFault);
  if (database !== undefined && existsSync(database)) {
    throw new UserError(`--database="${database}": is there already, and the fake starts without rows`);
  }
  let fake: FakeBigQuery;
  try {
    fake = await FakeBigQuery.start({ port, writePort: grpcPort, host, database, keepsRequests: false });
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      `--port="${String(port)}" and --grpc-port="${String(grpcPort)}" of ${host} cannot be had: ${messageOf(thrown)}`,
    );
  }
  fake.fail(...script);
  started(fake.url, fake.write.url);
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  await fake.close();
}
