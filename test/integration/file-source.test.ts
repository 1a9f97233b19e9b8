import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { openSource } from "../../services/data-engine/sources/index.js";
import { sourceContract } from "../contract/source-contract.js";
import { InputFolder, runSql } from "../support/file-rows.js";
import { readRows } from "../support/source-rows.js";

const input = new InputFolder();
after(() => input.remove());

describe("file source", () => {
  const rows = Array.from({ length: 4_500 }, (_, k) => [k, k * 7, `m ${String(k % 9)}`] as const);
  const csv = (delimiter: string): string =>
    ["n,v,m", ...rows.map((row) => row.join(","))].join("\n").replaceAll(",", delimiter) + "\n";
  const objects = rows.map(([n, v, m]) => JSON.stringify({ n, v, m }));
  const ndjson = objects.join("\n");
  const contents: Readonly<Record<string, string | Buffer>> = {
    "all.csv": csv(","),
    "semicolons.csv": csv(";"),
    "all.tsv": csv("\t"),
    "all.csv.gz": gzipSync(csv(",")),
    "all.json": `[${objects.join(",\n")}]`,
    "all.json.gz": gzipSync(`[${objects.join(",")}]`),
    "all.ndjson": ndjson,
    "all.jsonl": `${ndjson}\n`,
    "all.ndjson.gz": gzipSync(ndjson),
  };
  for (const [name, content] of Object.entries(contents)) input.write(name, content);
  const names = [...Object.keys(contents), "all.parquet"];
  const open = (name: string, query: string) => () =>
    openSource(`file:${join(input.path, name)}?${query}`, { lingerMs: 10 });

  before(() =>
    runSql(`COPY (FROM '${join(input.path, "all.csv")}') TO '${join(input.path, "all.parquet")}'`),
  );

  for (const name of names) {
    it(`reads ${name} in the order of the file`, async () => {
      const { records, bad } = await input.read(join(input.path, name), "id=n&data=v&meta=m");
      assert.deepEqual(bad, []);
      assert.deepEqual(
        records,
        rows.map(([n, v, m]) => [BigInt(n), BigInt(v), m]),
      );
    });

    it(`takes SQL expressions over ${name} and numbers rows from 1`, async () => {
      const { records } = await input.read(join(input.path, name), "data=v*1000+n&meta=m || '!'");
      assert.deepEqual(
        records,
        rows.map(([n, v, m], index) => [BigInt(index + 1), BigInt(v * 1_000 + n), `${m}!`]),
      );
    });
  }
  for (const name of ["all.csv", "all.csv.gz", "all.json", "all.ndjson", "all.parquet"])
    sourceContract(name, open(name, "id=n&data=v&meta=m"));

  input.write("broken.csv", 'n,v\n1,10\n2,oops\n3,4,5\n4,1.5\n5\n6,"7\n7,70\n'.replace('6,"7\n', '6,"x"y\n'));
  input.write("broken.ndjson", '{"v":1}\n{bro\n\n{"v":"x"}\n[1]\n{"v":2}\n{"w":3}\n');
  for (const name of ["broken.csv", "broken.ndjson"]) sourceContract(name, open(name, "data=v"));

  it("ends with an error, never early, when the file is broken behind what was looked at", async () => {
    const elements = Array.from({ length: 60_000 }, (_, k) => `{"v":${String(k)}}`).join(",\n");
    const path = input.write("breaks.json", `[${elements},\n{"v":`);
    const source = await openSource(`file:${path}?data=v`, { lingerMs: 10 });
    await assert.rejects(readRows(source), {
      name: "EngineError",
      code: "source_broken",
      action: "stop",
      message: /^SOURCE="file:.*breaks\.json\?data=v" breaks after row \d+: .*unexpected end of data/,
    });
    await source.close();
  });

  it("keeps the order of a Parquet file of many row groups, which DuckDB reads on all cores", async () => {
    const path = join(input.path, "ordered.parquet");
    await runSql(
      `COPY (SELECT range AS k, 'm' || range AS m FROM range(500000)) TO '${path}' (ROW_GROUP_SIZE 20480)`,
    );
    const source = await openSource(`file:${path}?data=k&meta=m`, { lingerMs: 10 });
    assert.equal(source.expectedRecords, 500_000);
    let row = 0n;
    for await (const { ids, data, meta } of source.chunks(0, new AbortController().signal)) {
      for (const [index, value] of data.entries()) {
        if (value !== row || ids[index] !== row + 1n || meta[index] !== `m${String(row)}`) {
          assert.fail(`row ${String(row)} is ${String(value)}`);
        }
        row += 1n;
      }
    }
    assert.equal(row, 500_000n);
    await source.close();
  });

  it("names the setting, the file and what is wrong with it", async () => {
    const cases: readonly [uri: string, says: RegExp][] = [
      ["file:", /^SOURCE="file:": no path given/],
      [
        "file:absent.csv?data=v",
        /^SOURCE="file:absent\.csv\?data=v": absent\.csv cannot be read: no such file$/,
      ],
      [`file:${input.path}?data=v`, /is no file$/],
      [`file:${input.write("x.xlsx", "x")}?data=v`, /extension "xlsx".*csv, tsv, json, ndjson, parquet/],
      [`file:${input.write("x.constructor", "x")}?data=v`, /extension "constructor".*csv, tsv, json/],
      [`file:${join(input.path, "all.csv")}?data=v&format=xml`, /format=xml is none of csv, tsv/],
      [`file:${join(input.path, "all.csv")}?data=w`, /data=w is neither a column nor.*columns: n, v, m$/],
      [`file:${join(input.path, "all.csv")}?data=v&id=v +`, /id=v \+ is neither.*columns: n, v, m$/],
      [`file:${join(input.path, "all.csv")}`, /no column Data.*columns: n, v, m$/],
      [`file:${join(input.path, "all.csv")}?data=v) from x --`, /neither a column/],
      [`file:${join(input.path, "all.csv")}?data=random()`, /volatile/],
      [
        `file:${join(input.path, "all.csv")}?data=v&rows=1`,
        /unknown parameter rows; file: takes id, data, meta/,
      ],
      [`file:${join(input.path, "all.csv")}?data=v&header=yes`, /header=yes must be true or false/],
      [
        `file:${join(input.path, "all.parquet")}?data=[v]`,
        /data=\[v\] is a BIGINT\[\], which is no whole number$/,
      ],
      [`file:${input.write("empty.csv", "")}?data=v`, /is empty, without even a header line$/],
      [`file:${input.write("text.parquet", "no parquet")}?data=v`, /cannot be read as parquet/],
      [
        `file:${input.write("cut.csv.gz", gzipSync(csv(",")).subarray(0, 9_000))}?data=v`,
        /cut\.csv\.gz is no whole \.gz: unexpected end of file$/,
      ],
      [`file:${input.write("plain.csv.gz", csv(","))}?data=v`, /is no whole \.gz: incorrect header check$/],
      [`file:${input.write("half.json", '[{"v":1},{"v":')}?data=v`, /half\.json/],
    ];
    for (const [uri, says] of cases) {
      await assert.rejects(openSource(uri, { lingerMs: 10 }), (thrown: Error) => {
        assert.equal(thrown.name, "UserError", `${uri}: ${thrown.message}`);
        assert.match(thrown.message, says);
        assert.ok(thrown.message.startsWith(`SOURCE="${uri}": `), thrown.message);
        assert.ok(!thrown.message.includes("\n"), thrown.message);
        return true;
      });
    }
  });

  it("yields nothing of files without rows", async () => {
    assert.equal((await input.readText("csv", "n,v\n", "data=v")).endPosition, 0);
    assert.equal((await input.readText("csv", "n,v", "data=v")).endPosition, 0);
    assert.equal((await input.readText("json", "[]", "data=v")).endPosition, 0);
    assert.equal((await input.readText("ndjson", "", "data=v")).endPosition, 0);
  });

  it("finds columns by exact name, then in any case, and Data and Meta without being told", async () => {
    const { records } = await input.readText("csv", "DATA,v,V,meta\n1,2,3,x\n", "");
    assert.deepEqual(records, [[1n, 1n, "x"]]);
    assert.deepEqual((await input.readText("csv", "v,V\n2,3\n", "data=V")).records, [[1n, 3n, ""]]);
    assert.deepEqual((await input.readText("csv", "Value,w\n2,3\n", "data=VALUE")).records, [[1n, 2n, ""]]);
    assert.deepEqual((await input.readText("csv", "a-b,w\n2,3\n", "data=a-b")).records, [[1n, 2n, ""]]);
  });

  it("reads files without header, with a delimiter of their own, or of another extension", async () => {
    assert.deepEqual((await input.readText("csv", "5,6\n7,8\n", "header=false&data=column1")).records, [
      [1n, 6n, ""],
      [2n, 8n, ""],
    ]);
    assert.deepEqual((await input.readText("csv", "a:b\n5:6\n", "delim=:&data=b")).records, [[1n, 6n, ""]]);
    assert.deepEqual((await input.readText("txt", "a,b\n5,6\n", "format=csv&data=b")).records, [
      [1n, 6n, ""],
    ]);
    assert.deepEqual((await input.readText("csv", "\uFEFFa,b\r\n5,6\r\n", "data=a&meta=b")).records, [
      [1n, 5n, "6"],
    ]);
  });

  it("reads a path that looks like a pattern as that path", async () => {
    mkdirSync(join(input.path, "[x]*"));
    const path = input.write("[x]*/a b'?.csv", "v\n1\n");
    assert.deepEqual((await input.read(path.replace("?", "%3F"), "data=v")).records, [[1n, 1n, ""]]);
  });

  it("takes ISO dates for dates and keeps text as it is written", async () => {
    const text = "d,t,code\n2026-01-02,2026-01-02 03:04:05,007\n2026-01-03,2026-01-03 03:04:05,1.50\n";
    const query = "data=epoch(t)::BIGINT - epoch(d)::BIGINT&meta=code";
    assert.deepEqual((await input.readText("csv", text, query)).records, [
      [1n, 11_045n, "007"],
      [2n, 11_045n, "1.50"],
    ]);
  });
});
