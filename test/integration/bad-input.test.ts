import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";

describe("bad input ends with exit code 2 and one sentence that names it", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  writeFileSync(join(folder.path, "numbers.csv"), "n,v\n1,10\n");
  writeFileSync(join(folder.path, "no-default.mjs"), "export const crunch = 1;\n");
  writeFileSync(join(folder.path, "broken.mjs"), "export default (record => ;\n");
  writeFileSync(
    join(folder.path, "text.duckdb"),
    "this is no database, only text that is long enough\n".repeat(100),
  );

  const cases: readonly {
    title: string;
    args: readonly string[];
    says: RegExp;
    env?: Record<string, string>;
  }[] = [
    { title: "an unknown source", args: ["--source", "ftp:x"], says: /SOURCE="ftp:x".*file.*synthetic/ },
    { title: "a missing file", args: ["--source", "file:absent.csv?data=v"], says: /SOURCE=.*absent\.csv/ },
    { title: "a missing column", args: ["--source", "file:numbers.csv?data=w"], says: /SOURCE=.*w.*n, v/s },
    { title: "an unknown cruncher", args: ["--cruncher", "sha"], says: /CRUNCHER="sha".*collatz/ },
    {
      title: "a missing cruncher file",
      args: ["--cruncher", "./absent.mjs"],
      says: /CRUNCHER="\.\/absent\.mjs"/,
    },
    {
      title: "a cruncher without default export",
      args: ["--cruncher", "./no-default.mjs"],
      says: /default export/,
    },
    {
      title: "a cruncher that cannot be read",
      args: ["--cruncher", "./broken.mjs"],
      says: /CRUNCHER="\.\/broken\.mjs"/,
    },
    { title: "an unknown sink", args: ["--sink", "mysql:x"], says: /SINK="mysql:x".*duckdb/ },
    {
      title: "a sink that is no database",
      args: ["--sink", "duckdb:text.duckdb"],
      says: /SINK=.*text\.duckdb/,
    },
    { title: "a sink in a missing folder", args: ["--sink", "duckdb:none/x.duckdb"], says: /SINK=.*none/ },
    {
      title: "a NATS address where nobody listens",
      args: [],
      env: { NATS_URL: "nats://127.0.0.1:1" },
      says: /NATS_URL.*127\.0\.0\.1:1/,
    },
    { title: "a number of engines below 1", args: ["--engines", "0"], says: /engines.*0/ },
    { title: "threads that are no number", args: ["--threads", "many"], says: /THREADS="many"/ },
    { title: "an unknown option", args: ["--sauce", "x"], says: /--sauce/ },
  ];
  for (const { title, args, says, env } of cases) {
    it(title, async () => {
      const defaults = ["--source", "file:numbers.csv?id=n&data=v", "--sink", "duckdb:never.duckdb"];
      const given = args.some((arg) => arg === "--source") ? [] : defaults.slice(0, 2);
      const sink = args.some((arg) => arg === "--sink") ? [] : defaults.slice(2);

      const run = await runCrunch(["up", ...given, ...sink, ...args], {
        cwd: folder.path,
        ...(env && { env }),
      });

      assert.equal(run.code, 2, run.stderr + run.stdout);
      assert.match(run.stderr, says);
      assert.doesNotMatch(run.stderr, /\n\s+at /, "a stack is no sentence");
    });
  }

  it("a taken port", async () => {
    const nats = await NatsServer.start();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const run = await runCrunch(["results", "--sink", "duckdb:port.duckdb", "--http-port", String(port)], {
      cwd: folder.path,
      env: { NATS_URL: nats.url },
    });
    server.close();
    await nats.stop();

    assert.equal(run.code, 2, run.stderr);
    assert.match(run.stderr, new RegExp(`HTTP_PORT=${String(port)}: 127.0.0.1:${String(port)} is taken`));
  });

  it("a database file that another process holds", async () => {
    const holder = await DuckDBInstance.create(join(folder.path, "held.duckdb"));
    const run = await runCrunch(
      ["up", "--source", "file:numbers.csv?data=v", "--sink", "duckdb:held.duckdb"],
      {
        cwd: folder.path,
      },
    );
    holder.closeSync();

    assert.equal(run.code, 2, run.stderr);
    assert.match(run.stderr, /SINK="duckdb:held.duckdb".*another process/);
  });

  it("lists every problem of a configuration at once", async () => {
    const run = await runCrunch(["results"], {
      cwd: folder.path,
      env: { BATCH_MAX_ROWS: "0", HTTP_PORT: "x", LOG_LEVEL: "loud" },
    });

    assert.equal(run.code, 2);
    assert.match(
      run.stderr,
      /BATCH_MAX_ROWS="0".*\n?.*HTTP_PORT="x"|HTTP_PORT="x".*\n?.*BATCH_MAX_ROWS="0"/s,
    );
    assert.match(run.stderr, /LOG_LEVEL="loud"/);
  });

  it("leaves nothing half-written", () => {
    assert.equal(existsSync(join(folder.path, "none")), false);
  });
});
