/** Texts that people and broken scripts put into settings: valid ones gone wrong, and anything at all. */
import type { Random } from "./random.js";

/** One of each kind of trouble. */
const TROUBLE: readonly [string, ...string[]] = [
  "",
  " ",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e3",
  "0x10",
  "+1",
  " 1",
  "1\n",
  "NaN",
  "Infinity",
  "9".repeat(400),
  "١٢٣",
  "１２",
  "true",
  "null",
  "undefined",
  "constructor",
  "__proto__",
  "hasOwnProperty",
  "toString",
  "\0",
  "a\0b",
  "\n",
  "a\nSINK=b",
  "\r\nNats-Rollup: all",
  "\u001b[2J\u001b]0;title\u0007",
  "\u202egnp.exe",
  "\ud800",
  "\udfff\ud800",
  "\ufeff",
  "👩‍🚀",
  "é".normalize("NFD"),
  "%",
  "%zz",
  "%00",
  "%c0%80",
  "%26%3d%3f",
  "+",
  "&&==&",
  "?",
  "??",
  "#",
  "..",
  "../../../../etc/passwd",
  "/dev/zero",
  "/dev/stdin",
  "/proc/self/mem",
  "C:\\temp\\x",
  "~root",
  "$(reboot)",
  "`reboot`",
  "${HOME}",
  "'; DROP TABLE results; --",
  '" OR 1=1 --',
  "1)) UNION SELECT * FROM results --",
  "*/ DROP TABLE x /*",
  "{{projectId}}",
  "<script>alert(1)</script>",
  '{"a":1}',
  "[1,2]",
  "%n%s%x",
];

/** Valid values, to be broken in a place or two. */
const VALID: readonly [string, ...string[]] = [
  "1000",
  "nats://127.0.0.1:4222",
  "nats://user:p%40ss@a.example:4222,tls://[::1]:4223",
  "synthetic:?count=1000&rate=5000&seed=1",
  "file:data.csv?id=n&data=value&meta=label",
  "file:data.json?data=a+b&format=ndjson",
  "nothing",
  "duckdb:crunch.duckdb?table=results",
  "bigquery:my-project/dataset/table?mode=stream&partition=day",
  "bigquery:p/d/t?mode=upsert&endpoint=http://localhost:9050&write-endpoint=http://localhost:9060",
  "bigquery:example.com:p/d/t?endpoint=http://localhost:9050&location=EU",
  "collatz",
  "./my-cruncher.mjs",
  "run-1",
  "info",
  "127.0.0.1",
];

const SCHEMES = [
  "file",
  "synthetic",
  "nothing",
  "duckdb",
  "bigquery",
  "constructor",
  "x",
  "nats",
  "",
] as const;
const PARAMS = [
  "id",
  "data",
  "meta",
  "format",
  "header",
  "delim",
  "count",
  "rate",
  "seed",
  "table",
  "mode",
  "partition",
  "endpoint",
  "location",
  "__proto__",
] as const;

/** Anything, with about one in a thousand so long that it must not be repeated to anyone. */
export function malformedText(random: Random): string {
  switch (random.below(8)) {
    case 0:
      return random.pick(TROUBLE);
    case 1:
      return random.pick(VALID);
    case 2:
    case 3:
      return changed(random, random.pick(VALID));
    case 4:
      return changed(random, random.pick(TROUBLE));
    case 5:
      return anyText(random);
    case 6:
      return random.oneIn(100) ? overlong(random) : random.pick(TROUBLE) + random.pick(TROUBLE);
    default:
      return malformedUri(random);
  }
}

/** `scheme:path?name=value&...` of anything. */
export function malformedUri(random: Random): string {
  const part = (): string => (random.oneIn(3) ? anyText(random) : random.pick(TROUBLE));
  const params = Array.from({ length: random.below(4) }, () => {
    const name = random.oneIn(6) ? part() : random.pick(PARAMS);
    return random.oneIn(8) ? name : `${name}=${part()}`;
  });
  const query = params.length === 0 && random.oneIn(2) ? "" : `?${params.join("&")}`;
  return `${random.pick(SCHEMES)}:${random.oneIn(2) ? part() : ""}${query}`;
}

function anyText(random: Random): string {
  const length = random.below(random.oneIn(10) ? 300 : 24);
  return Array.from({ length }, () => {
    if (random.oneIn(3)) return String.fromCharCode(32 + random.below(95));
    if (random.oneIn(3)) return String.fromCharCode(random.below(65_536));
    return random.pick(["=", "&", "?", ":", "/", "%", ",", "@", "'", '"', "\\", "-", "0", "a"]);
  }).join("");
}

/** A million characters and more, also of those that a message shows longer than they are. */
function overlong(random: Random): string {
  const unit = random.pick(["a", "9", "\n", "\u001b", "%41", "&a=1", "?", "/", "👩‍🚀", "nats://h,"]);
  const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
  return random.oneIn(2) ? text : random.pick(VALID) + text;
}

function changed(random: Random, text: string): string {
  const units = Array.from(text);
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(units.length + 1);
    const put = random.oneIn(2) ? [random.pick(TROUBLE)] : [String.fromCharCode(random.below(256))];
    units.splice(at, random.below(3), ...(random.oneIn(3) ? [] : put));
  }
  return units.join("");
}
