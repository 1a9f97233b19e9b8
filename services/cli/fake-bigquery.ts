import { Command } from "commander";
import { serveFakeBigQuery } from "../fake-bigquery/serve.js";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";

interface Options {
  readonly port: string;
  readonly host: string;
  readonly fault: readonly string[];
  readonly json?: true;
}

/** `crunch fake-bigquery`: a BigQuery to develop and test against. */
export function command(_env: Env, exit: (code: number) => void): Command {
  const more = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return new Command("fake-bigquery")
    .description(
      "Serves BigQuery's REST interface from memory until Ctrl-C: datasets, tables, views, insertAll, load jobs. " +
        "Rows end with it. docs/bigquery.md says what it knows.",
    )
    .option("--port <port>", "port to listen on; 0 takes any free one", "9050")
    .option("--host <host>", "address to listen on", "127.0.0.1")
    .option(
      "--fault <json>",
      'something that goes wrong, e.g. {"status":503,"times":3} or {"commitThenDrop":true}; may be repeated',
      more,
      [],
    )
    .option("--json", "print the address as one line of JSON")
    .action(async ({ port, host, fault, json }: Options) => {
      const number = Number(port);
      if (!/^\d+$/.test(port) || number > 65_535) {
        throw new UserError(`--port="${port}": must be a whole number from 0 to 65535`);
      }
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
      await serveFakeBigQuery({
        port: number,
        host,
        faults: fault,
        signal: stop.signal,
        started: (url) => {
          const text =
            json === true
              ? JSON.stringify({ url })
              : `BigQuery is ${url}\n  BIGQUERY_API_ENDPOINT=${url} crunch results --sink bigquery:p/d/t`;
          process.stdout.write(`${text}\n`);
        },
      });
      exit(0);
    });
}
