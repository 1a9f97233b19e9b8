/** A field that a user adds to MyResult becomes a column by regenerating: no other line of the tree changes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { TimestampSchema, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { connect } from "nats";
import { MyResultSchema } from "../../proto/gen/messages_pb.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const OWN_FIELDS = `  // A user's own.
  string Label = 7;
  double Score = 8;
  bool Good = 9;
  google.protobuf.Timestamp Seen = 10;
  int64 Big = 12;
`;
const NOW_MS = Date.now();

const folder = tempFolder();
const tree = join(folder.path, "tree");
/** The command of the tree with the own fields. */
const bin = join(tree, "bin", "crunch.js");
after(() => folder.remove());

before(() => {
  for (const name of ["proto", "services", "bin", "package.json", "tsconfig.json"]) {
    cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  const proto = join(tree, "proto", "messages.proto");
  const text = readFileSync(proto, "utf8");
  writeFileSync(proto, text.replace(/(ProcessTime = 6;\n)/, `$1${OWN_FIELDS}`));
  for (const [command, ...args] of [
    ["npm", "run", "proto"],
    [process.execPath, join("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.json"],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: tree, encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
  }
});

/** One MyResult as another client would write it; its own fields are left out where they are the default. */
function result(ID: bigint, own: boolean): Uint8Array {
  const base = toBinary(
    MyResultSchema,
    create(MyResultSchema, {
      ID,
      Data: 1n,
      Meta: "m",
      RData: 2n,
      DTimeStamp: timestampFromMs(NOW_MS),
      ProcessTime: timestampFromMs(NOW_MS),
    }),
  );
  if (!own) return base;
  const writer = new BinaryWriter();
  writer.tag(7, WireType.LengthDelimited).string('a "label" of more than 12 bytes');
  writer.tag(8, WireType.Bit64).double(0.1);
  writer.tag(9, WireType.Varint).bool(true);
  const seen = toBinary(TimestampSchema, { ...timestampFromMs(1), nanos: 1_234_567 });
  writer.tag(10, WireType.LengthDelimited).bytes(seen);
  writer.tag(12, WireType.Varint).int64(String(-(2n ** 63n)));
  return Buffer.concat([base, writer.finish()]);
}

/** Runs a results-engine of the tree over two results, one with its own fields and one without. */
async function store(sink: string): Promise<void> {
  const nats = await NatsServer.start();
  const engine = new CrunchProcess(["results"], { NATS_URL: nats.url, SINK: sink }, folder.path, bin);
  try {
    await engine.started();
    const client = await connect({ servers: nats.url });
    await client.jetstream().publish("results", result(1n, true));
    await client.jetstream().publish("results", result(2n, false));
    await client.close();
    await until(
      async () => (await engine.metric("results_rows_total", 'outcome="stored"')) === 2,
      60_000,
      "two rows",
    );
  } finally {
    engine.kill("SIGTERM");
    await engine.exited;
    await nats.stop();
  }
}

const schema = async (
  args: readonly string[],
  of?: string,
): Promise<{ code: number | null; stdout: string }> => {
  const { code, stdout, stderr } = await runCrunch(["schema", ...args], {
    cwd: folder.path,
    ...(of === undefined ? {} : { bin: of }),
  });
  assert.equal(stderr, "");
  return { code, stdout };
};

describe("fields that a user added to MyResult", () => {
  it("are columns behind those that every table has", async () => {
    const { stdout } = await schema(["show", "--sink", "bigquery:p/d/t"], bin);
    const json = await schema(["show", "--format", "json", "--sink", "bigquery:p/d/t"], bin);
    const duckDb = await schema(["show", "--sink", "duckdb:own.duckdb"], bin);

    assert.match(
      stdout,
      /`Late` BOOL NOT NULL,\n {2}`Label` STRING,\n {2}`Score` FLOAT64,\n {2}`Good` BOOL,/,
    );
    assert.deepEqual((JSON.parse(json.stdout) as unknown[]).slice(8), [
      { name: "Label", type: "STRING", mode: "NULLABLE" },
      { name: "Score", type: "FLOAT", mode: "NULLABLE" },
      { name: "Good", type: "BOOLEAN", mode: "NULLABLE" },
      { name: "Seen", type: "TIMESTAMP", mode: "NULLABLE" },
      { name: "Big", type: "INTEGER", mode: "NULLABLE" },
    ]);
    assert.match(duckDb.stdout, /"Late" BOOLEAN NOT NULL, "Label" VARCHAR, "Score" DOUBLE, "Good" BOOLEAN,/);
  });

  it("are added to a DuckDB table of the version before, and their values stored", async () => {
    await schema(["apply", "--sink", "duckdb:own.duckdb"]);

    const before = await schema(["diff", "--sink", "duckdb:own.duckdb"], bin);
    const applied = await schema(["apply", "--sink", "duckdb:own.duckdb"], bin);
    await store("duckdb:own.duckdb");

    assert.deepEqual([before.code, applied.code], [1, 0]);
    assert.match(before.stdout, /^column Score DOUBLE is missing: apply adds it$/m);
    const rows = await queryDuckDb(
      join(folder.path, "own.duckdb"),
      "SELECT ID, Label, Score, Good, epoch_us(Seen) AS SeenUs, Big FROM results ORDER BY ID",
    );
    const label = 'a "label" of more than 12 bytes';
    assert.deepEqual(rows, [
      { ID: 1n, Label: label, Score: 0.1, Good: true, SeenUs: 1_234n, Big: -(2n ** 63n) },
      { ID: 2n, Label: "", Score: 0, Good: false, SeenUs: 0n, Big: 0n },
    ]);
  });

  it("are added to a BigQuery table of the version before, and their values sent", async (t) => {
    const fake = await FakeBigQuery.start({ writePort: 0 });
    t.after(() => fake.close());
    const sink = `bigquery:p/d/t?endpoint=${fake.url}`;
    await schema(["apply", "--sink", sink]);

    const before = await schema(["diff", "--sink", sink], bin);
    const applied = await schema(["apply", "--sink", sink], bin);
    await store(sink);
    await store(`${sink}&mode=load&spool=${join(folder.path, "spool")}`);
    const appends = `write-endpoint=${fake.write.url}`;
    await store(`${sink}&mode=write&${appends}`);
    await store(`bigquery:p/d/keyed?endpoint=${fake.url}&mode=upsert&${appends}`);

    assert.deepEqual([before.code, applied.code], [1, 0]);
    assert.match(before.stdout, /^column Seen TIMESTAMP is missing: apply adds it$/m);
    const ownOf = (table: string): unknown[] =>
      fake.rows("d", table).map(({ ID, Label, Score, Good, Seen, Big }) => {
        return { ID, Label, Score, Good, Seen, Big };
      });
    const label = 'a "label" of more than 12 bytes';
    const seen = "1970-01-01T00:00:00.001234Z";
    const full = { ID: "1", Label: label, Score: 0.1, Good: true, Seen: seen, Big: String(-(2n ** 63n)) };
    const none = { ID: "2", Label: "", Score: 0, Good: false, Seen: "1970-01-01T00:00:00.000000Z", Big: "0" };
    assert.deepEqual(ownOf("t"), [full, none, full, none, full, none]);
    assert.deepEqual(ownOf("keyed"), [full, none]);
  });
});
