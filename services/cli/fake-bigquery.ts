import { Command } from "commander";
import { serveFakeBigQuery } from "../fake-bigquery/serve.js";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";

interface Options {
  readonly port: string;
  readonly grpcPort: string;
  readonly host: string;
  readonly database?: string;
  readonly fault: readonly string[];
  readonly json?: true;
}

/** `crunch fake-bigquery`: a BigQuery to develop and test against. */
export function command(_env: Env, exit: (code: number) => void): Command {
  const more = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return new Command("fake-bigquery")
    .description(
      "Serves BigQuery from memory until Ctrl-C: by REST datasets, tables, views, insertAll, load jobs and queries, " +
        "by gRPC the Storage Write API, which the sink's modes write and upsert use. " +
        "Rows end with it, unless --database keeps them. docs/bigquery.md says what it knows.",
    )
    .option("--port <port>", "port to listen on; 0 takes any free one", "9050")
    .option("--grpc-port <port>", "port of the Storage Write API; 0 takes any free one", "9060")
    .option("--host <host>", "address to listen on", "127.0.0.1")
    .option("--database <file>", "a DuckDB file to make, which keeps the rows and takes them out of memory")
    .option(
      "--fault <json>",
      'something that goes wrong, e.g. {"status":503,"times":3}, {"commitThenDrop":true} or, of appends, ' +
        '{"code":"RESOURCE_EXHAUSTED"}; may be repeated',
      more,
      [],
    )
    .option("--json", "print the addresses as one line of JSON")
    .action(async ({ port, grpcPort, host, database, fault, json }: Options) => {
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
      await serveFakeBigQuery({
        port: portOf("--port", port),
        grpcPort: portOf("--grpc-port", grpcPort),
        host,
        database,
        faults: fault,
        signal: stop.signal,
        started: (url, writeUrl) => {
          const text =
            json === true
              ? JSON.stringify({ url, writeUrl })
              : [
                  `BigQuery is ${url}, its Storage Write API ${writeUrl}`,
                  `  BIGQUERY_API_ENDPOINT=${url} crunch results --sink bigquery:p/d/t`,
                  `  BIGQUERY_API_ENDPOINT=${url} crunch results --sink 'bigquery:p/d/t?mode=upsert&write-endpoint=${writeUrl}'`,
                ].join("\n");
          process.stdout.write(`${text}\n`);
        },
      });
      exit(0);
    });
}

function portOf(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UserError(`${option}="${text}": must be a whole number from 0 to 65535`);
}
