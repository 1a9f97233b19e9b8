import type { Json, RowFault } from "./faults.js";

export interface FakeField {
  readonly name: string;
  readonly type: string;
  readonly mode?: string;
}

const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?: ?(?:Z|UTC)|[+-]\d{2}:\d{2})?$/;
const FIRST_US = -62_135_596_800_000_000n;
const LAST_US = 253_402_300_799_999_999n;
const YEAR_US = 366n * 86_400_000_000n;

/** What BigQuery would say about a row; undefined if it takes it. */
export function checkRow(
  row: Json,
  fields: readonly FakeField[],
  ignoresUnknown: boolean,
): RowFault | undefined {
  const known = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  for (const name of Object.keys(row)) {
    if (known.has(name.toLowerCase()) || ignoresUnknown) continue;
    return { reason: "invalid", location: name.toLowerCase(), message: `no such field: ${name}.` };
  }
  for (const field of fields) {
    const entry = Object.entries(row).find(([name]) => name.toLowerCase() === field.name.toLowerCase());
    const value = entry?.[1];
    if (value === undefined || value === null) {
      if (field.mode !== "REQUIRED") continue;
      return { reason: "invalid", message: `Missing required field: ${field.name}.` };
    }
    const problem = checkValue(value, field.type);
    if (problem !== undefined) {
      return { reason: "invalid", location: field.name.toLowerCase(), message: problem };
    }
  }
  return undefined;
}

function checkValue(value: unknown, type: string): string | undefined {
  switch (type) {
    case "INTEGER":
    case "INT64":
      return isInt64(value) ? undefined : `Cannot convert value to integer (bad value): ${String(value)}`;
    case "TIMESTAMP":
      return timestampUs(value) === undefined
        ? `Could not parse '${String(value)}' as a timestamp`
        : undefined;
    case "BOOLEAN":
    case "BOOL":
      return typeof value === "boolean" ? undefined : `Cannot convert value to boolean: ${String(value)}`;
    case "STRING":
      return typeof value === "string" ? undefined : "Cannot convert value to string";
    default:
      return undefined;
  }
}

/** A number stands for itself only while JSON carries it exactly. */
function isInt64(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) return false;
  return BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}

/** Microseconds since the epoch; undefined if BigQuery would not take it. A number means seconds. */
export function timestampUs(value: unknown): bigint | undefined {
  if (typeof value === "number") return BigInt(Math.round(value * 1e6));
  const match = typeof value === "string" ? TIMESTAMP.exec(value) : null;
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  const ms = Date.parse(
    `${year ?? ""}-${month ?? ""}-${day ?? ""}T${hour ?? ""}:${minute ?? ""}:${second ?? ""}Z`,
  );
  if (Number.isNaN(ms) || year === "0000") return undefined;
  return BigInt(ms) * 1000n + BigInt(fraction.padEnd(6, "0"));
}

/** The text of an instant with six fractional digits; undefined outside of the years 1 to 9999. */
export function timestampText(us: bigint): string | undefined {
  if (us < FIRST_US || us > LAST_US) return undefined;
  const fraction = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((us - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(fraction).padStart(6, "0")}Z`;
}

/** Whether a table partitioned on a column takes this instant now: 10 years back, 1 year ahead. */
export function isInPartitionWindow(us: bigint, nowMs: number): boolean {
  const now = BigInt(nowMs) * 1000n;
  return us >= now - 10n * YEAR_US && us <= now + YEAR_US;
}
