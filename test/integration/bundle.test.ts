import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));

function node(args: readonly string[], cwd = root): Promise<{ stdout: string }> {
  return execute(process.execPath, args, { cwd, encoding: "utf8", timeout: 120_000 });
}

describe("the bundle of the images", () => {
  const folder = tempFolder();
  const crunch = join(folder.path, "app/bin/crunch.js");
  let nats: NatsServer;
  before(async () => {
    await node([join(root, "build-push/bundle.mjs"), join(folder.path, "app")]);
    // Its native part is what an image adds.
    symlinkSync(join(root, "node_modules/@duckdb"), join(folder.path, "app/@duckdb"));
    symlinkSync(join(folder.path, "app"), join(folder.path, "app/node_modules"));
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  /** @returns the addresses that its first line tells */
  async function serve(t: TestContext, args: readonly string[]): Promise<Record<string, string>> {
    const served = new CrunchProcess(args, {}, undefined, crunch);
    t.after(() => served.kill("SIGTERM"));
    await until(() => served.stdout !== "" || served.ended, 60_000, "the address");
    return JSON.parse(served.stdout.split("\n")[0] ?? "") as Record<string, string>;
  }

  for (const cruncher of ["collatz", join(root, "test/support/fixtures/busy-100us.mjs")]) {
    it(`runs the whole path in threads and processes of its own, with ${cruncher.slice(root.length) || cruncher}`, async () => {
      const table = cruncher === "collatz" ? "built_in" : "module";
      const { stdout } = await node(
        [crunch, "up", "--json", "--fresh", "--source", "synthetic:?count=5000", "--cruncher", cruncher]
          .concat("--sink", `duckdb:rows.duckdb?table=${table}`)
          .concat("--nats-url", nats.url, "--namespace", table, "--threads", "2"),
        folder.path,
      );

      const { stored, outstanding } = JSON.parse(stdout) as Record<string, unknown>;
      assert.deepEqual({ stored, outstanding }, { stored: 5_000, outstanding: 0 });
      const rows = await queryDuckDb(
        join(folder.path, "rows.duckdb"),
        `select count(distinct ID) as ids from ${table}`,
      );
      assert.deepEqual(rows, [{ ids: 5_000n }]);
    });
  }

  it("writes to BigQuery by the Storage Write API, whose definition is inside", async (t) => {
    const args = ["fake-bigquery", "--json", "--port", "0", "--grpc-port", "0"];
    const { url, writeUrl } = await serve(t, args);
    const sink = `bigquery:p/d/t?mode=upsert&endpoint=${url ?? ""}&write-endpoint=${writeUrl ?? ""}`;

    const { stdout } = await node(
      [crunch, "up", "--json", "--source", "synthetic:?count=500", "--cruncher", "identity"].concat([
        "--sink",
        sink,
        "--nats-url",
        nats.url,
        "--namespace",
        "upsert",
        "--threads",
        "1",
      ]),
      folder.path,
    );
    const { stored, outstanding } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual({ stored, outstanding }, { stored: 500, outstanding: 0 });
  });

  it("serves the page of the console, which is inside", async (t) => {
    const args = ["console", "--json", "--console-port", "0", "--nats-url", nats.url];
    const { url = "" } = await serve(t, args);

    assert.match(await (await fetch(`${url}page.js`)).text(), /api\/look/);
    assert.match(await (await fetch(`${url}page.css`)).text(), /prefers-color-scheme/);
  });

  it("asks an engine for its health", async () => {
    const asked = node([crunch, "health", "--url", "http://127.0.0.1:9"]);

    await assert.rejects(asked, { code: 1 });
  });
});
