import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { InputFolder, reasonsOf, runSql } from "../support/file-rows.js";

const input = new InputFolder();
after(() => input.remove());

describe("a bad row of a file is bad alone", () => {
  it("names its line, value and reason", async () => {
    const found = await input.readText("csv", "n,v\n1,10\n2,oops\n3,\n4,1.5\nx,5\n5,27\n", "id=n&data=v");
    assert.deepEqual(found.records, [
      [1n, 10n, ""],
      [5n, 27n, ""],
    ]);
    assert.deepEqual(reasonsOf(found), [
      'line 3: data="oops" is no int64',
      "line 4: data is empty",
      'line 5: data="1.5" is no int64',
      'line 6: id="x" is no int64',
    ]);
    assert.deepEqual(
      found.bad.map(({ position }) => position),
      [1, 2, 3, 4],
    );
    assert.equal(found.bad[0]?.row, '{"id":"2","data":"oops","meta":null}');
  });

  it("says row instead of line where line ends inside quotes make them differ", async () => {
    const found = await input.readText("csv", 'v,m\n1,"a\nb"\nx,y\n', "data=v&meta=m");
    assert.deepEqual(found.records, [[1n, 1n, "a\nb"]]);
    assert.deepEqual(reasonsOf(found), ['row 2: data="x" is no int64']);
  });

  it("also among a hundred thousand, wherever it is, and whatever is computed of it", async () => {
    const lines = Array.from({ length: 100_000 }, (_, k) => String(k));
    lines[5] = "few";
    lines[70_000] = "1.5";
    lines[99_999] = "9223372036854775807";
    const found = await input.readText("csv", `v,w\n${lines.join(",0\n")},0\n`, "data=v*1000");
    assert.deepEqual(reasonsOf(found), [
      "line 7: data=v*1000 gives no value",
      "line 70002: data=v*1000 gives no value",
      "line 100001: data=v*1000 gives no value",
    ]);
    assert.equal(found.records.length, 99_997);
    assert.equal(found.endPosition, 100_000);
    assert.deepEqual(found.records[6], [8n, 7_000n, ""]);
  });

  it("comes last if its columns or quotes are broken, with its line and text", async () => {
    const text = 'n,v\n1,10\n2,3,4\n5\n6,"a"b\n"7",70\n8,"unclosed\n';
    const found = await input.readText("csv", text, "id=n&data=v");
    assert.deepEqual(found.records, [
      [1n, 10n, ""],
      [7n, 70n, ""],
    ]);
    assert.deepEqual(
      found.bad.map(({ position, row }) => [position, row.trimEnd()]),
      [
        [2, "2,3,4"],
        [3, "5"],
        [4, '6,"a"b'],
        [5, '8,"unclosed'],
      ],
    );
    assert.match(reasonsOf(found)[0] ?? "", /^line 3: .*Columns: 2 Found: 3/);
    assert.equal(found.endPosition, 6);
  });

  it("keeps the text of a broken line of NDJSON", async () => {
    const found = await input.readText(
      "ndjson",
      '{"v":1}\n\n{bro\n7\n{"v":null}\n{"v":{}}\n{"v":2}',
      "data=v",
    );
    assert.deepEqual(found.records, [
      [1n, 1n, ""],
      [6n, 2n, ""],
    ]);
    assert.deepEqual(reasonsOf(found), [
      "line 3: no JSON object",
      "line 4: no JSON object",
      "line 5: data is empty",
      'line 6: data="{}" is no int64',
    ]);
    assert.deepEqual(
      found.bad.map(({ row }) => row),
      ["{bro", "7", '{"v":null}', '{"v":{}}'],
    );
  });

  it("is one that is no UTF-8", async () => {
    const broken = Buffer.from([0xff, 0xfe]);
    const csv = Buffer.concat([Buffer.from("n,v\n1,2\n3,"), broken, Buffer.from("\n5,6\n")]);
    const found = await input.readText("csv", csv, "id=n&data=v");
    assert.deepEqual(found.records, [
      [1n, 2n, ""],
      [5n, 6n, ""],
    ]);
    assert.match(reasonsOf(found)[0] ?? "", /^line 3: .*utf-8/);
  });
});

describe("values of a file arrive exactly", () => {
  const edges = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n, -1n];
  const beyond = [
    "9223372036854775808",
    "-9223372036854775809",
    "1e30",
    "1.5",
    "NaN",
    "0x1F",
    "1_000",
    "5-",
    "",
  ];
  const metas = ["", "x".repeat(100_000), "👩‍👩‍👧 {{x}}", 'nul \0 quote " backslash \\ line\n', "\uFEFFbom", "0"];

  it("int64s from one end to the other, and nothing beyond, from text", async () => {
    const lines = [...edges.map(String), ...beyond].map((value) => `${value},0`);
    const found = await input.readText("csv", `v,w\n${lines.join("\n")}\n`, "data=v");
    assert.deepEqual(
      found.records.map(([, data]) => data),
      edges,
    );
    assert.equal(found.bad.length, beyond.length);
  });

  it("whole numbers with .0 behind them, as long as they are exact", async () => {
    const text = "v,w\n3.0,0\n-4.00,0\n+5,0\n 6 ,0\n9007199254740993.0,0\n";
    const found = await input.readText("csv", text, "data=v");
    assert.deepEqual(
      found.records.map(([, data]) => data),
      [3n, -4n, 5n, 6n],
    );
    assert.equal(found.bad.length, 1);
  });

  it("from JSON, with any text as Meta", async () => {
    const lines = edges.map((value, index) => `{"k":${String(value)},"m":${JSON.stringify(metas[index])}}`);
    for (const [extension, text] of [
      ["ndjson", lines.join("\n")],
      ["json", `[${lines.join(",")}]`],
    ] as const) {
      const found = await input.readText(extension, text, "id=k&data=k&meta=m");
      assert.deepEqual(
        found.records,
        edges.map((value, index) => [value, value, metas[index]]),
      );
    }
  });

  it("from CSV, with any text as Meta", async () => {
    const lines = metas.map((meta, index) => `${String(index)},"${meta.replaceAll('"', '""')}"`);
    const found = await input.readText("csv", `k,m\n${lines.join("\n")}\n`, "data=k&meta=m");
    assert.deepEqual(
      found.records.map(([, , meta]) => meta),
      metas,
    );
  });

  it("from every numeric type of Parquet", async () => {
    const path = join(input.path, "types.parquet");
    await runSql(`COPY (SELECT * FROM (VALUES
      (1::TINYINT, 2::UINTEGER, 9223372036854775807::UBIGINT, 9223372036854775807::BIGINT, 3.00::DECIMAL(38,2), 4.0::DOUBLE, 5::FLOAT),
      (-1, 2, 9223372036854775808, -9223372036854775808, 3.01, 'NaN', 16777216),
      (NULL, 3, 0, NULL, NULL, 9007199254740992, 'inf'),
      (0, 4, 1, 0, 90071992547409931.00, 4.5, 0.5)) t(tiny, uint, ubig, big, "dec", "dbl", flt)) TO '${path}'`);
    const dataOf = async (data: string): Promise<[bigint[], string[]]> => {
      const found = await input.read(path, `data=${data}`);
      return [found.records.map(([, value]) => value), reasonsOf(found)];
    };
    assert.deepEqual(await dataOf("tiny"), [[1n, -1n, 0n], ["row 3: data is empty"]]);
    assert.deepEqual(await dataOf("uint"), [[2n, 2n, 3n, 4n], []]);
    assert.deepEqual(await dataOf("big"), [[2n ** 63n - 1n, -(2n ** 63n), 0n], ["row 3: data is empty"]]);
    assert.deepEqual(await dataOf("ubig"), [
      [2n ** 63n - 1n, 0n, 1n],
      ['row 2: data="9223372036854775808" is no int64'],
    ]);
    assert.deepEqual(await dataOf("dec"), [
      [3n, 90_071_992_547_409_931n],
      ['row 2: data="3.01" is no int64', "row 3: data is empty"],
    ]);
    assert.deepEqual(await dataOf("dbl"), [
      [4n],
      [
        'row 2: data="nan" is no int64',
        'row 3: data="9007199254740992.0" is no int64, because a DOUBLE of this size is not exact',
        'row 4: data="4.5" is no int64',
      ],
    ]);
    assert.equal((await dataOf("flt"))[0].length, 1);
    assert.deepEqual((await dataOf("big::HUGEINT * 2 - big"))[0], [2n ** 63n - 1n, -(2n ** 63n), 0n]);
    assert.deepEqual((await dataOf("tiny > 0"))[0], [1n, 0n, 0n]);
  });
});
