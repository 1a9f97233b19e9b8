/** SQL that turns a value into an int64 exactly, or into NULL; never rounds, never wraps. */

/** Largest magnitude below which every whole number has a floating-point number of its own. */
const EXACT_DOUBLE = "9007199254740991";
const EXACT_FLOAT = "16777215";

const SMALL_INTEGERS = new Set([
  "TINYINT",
  "SMALLINT",
  "INTEGER",
  "BIGINT",
  "UTINYINT",
  "USMALLINT",
  "UINTEGER",
  "BOOLEAN",
]);
const BIG_INTEGERS = new Set(["UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM"]);

/**
 * @param value an SQL expression, used more than once
 * @param type DuckDB's name of its type
 * @returns SQL of type BIGINT; undefined if no value of this type can be an int64
 */
export function exactInt64Sql(value: string, type: string): string | undefined {
  if (type === "BIGINT") return value;
  if (SMALL_INTEGERS.has(type)) return `CAST(${value} AS BIGINT)`;
  if (BIG_INTEGERS.has(type)) return `TRY_CAST(${value} AS BIGINT)`;
  if (type.startsWith("DECIMAL")) {
    return `CASE WHEN ${value} = trunc(${value}) THEN TRY_CAST(${value} AS BIGINT) END`;
  }
  if (type === "DOUBLE" || type === "FLOAT") {
    const limit = type === "DOUBLE" ? EXACT_DOUBLE : EXACT_FLOAT;
    // NaN equals itself here and is larger than everything, so the limit refuses it.
    return `CASE WHEN ${value} = trunc(${value}) AND abs(${value}) <= ${limit} THEN CAST(${value} AS BIGINT) END`;
  }
  if (type === "VARCHAR" || type === "JSON") return exactInt64OfText(`CAST(${value} AS VARCHAR)`);
  return undefined;
}

/**
 * A cast alone would take `1.5` for 2, `0x1F` for 31 and `1_000` for 1000. A text counts when it is
 * a plain whole number, or one of up to 15 digits with `.0` behind it: longer ones may have been
 * rounded by whoever wrote them as floating point.
 */
function exactInt64OfText(text: string): string {
  const cast = `TRY_CAST(${text} AS BIGINT)`;
  return `CASE
    WHEN CAST(${cast} AS VARCHAR) = ${text} THEN ${cast}
    WHEN regexp_full_match(trim(${text}), '[+-]?[0-9]+') THEN ${cast}
    WHEN regexp_full_match(trim(${text}), '[+-]?[0-9]{1,15}[.]0*') THEN ${cast}
  END`;
}
