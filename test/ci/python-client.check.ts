/** A client in another language, with nothing but its sockets: one MyData in, its MyResult and its row out. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

// MyData{ID: 7, Data: 27, Meta: "py"}; the answer must start with the same fields and hold RData 111.
const CLIENT = `
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 15)
record = b"\\x08\\x07\\x10\\x1b\\x1a\\x02py"
s.sendall(b'CONNECT {"verbose":false}\\r\\nSUB results 1\\r\\nPUB data %d\\r\\n%s\\r\\n' % (len(record), record))
received = b""
while not (b"MSG results" in received and b"\\x28\\x6f" in received):
    received += s.recv(4096)
assert record in received
print("result received")
`;

const folder = tempFolder();
const nats = await NatsServer.start();
const env = { NATS_URL: nats.url, CRUNCHER: "collatz", SINK: "duckdb:python.duckdb" };
const engines = ["results", "engine"].map((name) => new CrunchProcess([name], env, folder.path));
try {
  await Promise.all(engines.map((engine) => engine.started()));
  const port = new URL(nats.url).port;
  const { status, stdout, stderr } = spawnSync("python3", ["-c", CLIENT, port], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  process.stdout.write(stdout);
  const stored = async (): Promise<boolean> =>
    (await engines[0]?.metric("results_rows_total", 'outcome="stored"')) === 1;
  await until(stored, 60_000, "the row");
} finally {
  for (const engine of engines) engine.kill("SIGTERM");
  await Promise.all(engines.map((engine) => engine.exited));
  await nats.stop();
}
const rows = await queryDuckDb(
  join(folder.path, "python.duckdb"),
  "select ID, Data, Meta, RData from results",
);
assert.deepEqual(rows, [{ ID: 7n, Data: 27n, Meta: "py", RData: 111n }]);
folder.remove();
process.stdout.write("1 passed, 0 failed\n");
