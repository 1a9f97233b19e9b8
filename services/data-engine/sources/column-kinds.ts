import type { DuckDb } from "../../shared/duckdb.js";

/** Rows that decide what a column is. */
export const SAMPLE_ROWS = 20_480;

const INTEGER = "[+-]?[0-9]+";

/** What the texts of a column are, going by most of them. */
export type ColumnKind = "integer" | "decimal" | "date" | "timestamp" | "text";

/**
 * Looks at the first rows and tells columns of numbers and ISO dates from others. More than half of a
 * column's values decide, so that one bad value neither makes a text column of it nor is taken for
 * a number.
 *
 * @param texts SQL of each column's text over `relation`
 */
export async function kindsOf(
  db: DuckDb,
  relation: string,
  texts: readonly string[],
): Promise<readonly ColumnKind[]> {
  if (texts.length === 0) return [];
  const counts = texts.map((_, index) => {
    const text = `c${String(index)}`;
    return (
      `count(${text}), count(TRY_CAST(${text} AS DOUBLE)), ` +
      `count(*) FILTER (regexp_full_match(trim(${text}), '${INTEGER}')), ` +
      `count(TRY_CAST(${text} AS DATE)), count(TRY_CAST(${text} AS TIMESTAMP)), ` +
      `count(*) FILTER (length(trim(${text})) > 10)`
    );
  });
  const columns = texts.map((text, index) => `${text} AS c${String(index)}`);
  const [row] = await db.rows(
    `SELECT CAST([${counts.join(", ")}] AS VARCHAR) AS counts
     FROM (SELECT ${columns.join(", ")} FROM ${relation} LIMIT ${String(SAMPLE_ROWS)})`,
  );
  const flat = JSON.parse(String(row?.counts)) as number[];
  return texts.map((_, index) => kindOf(flat.slice(6 * index, 6 * index + 6)));
}

function kindOf(counts: readonly number[]): ColumnKind {
  const [values = 0, numbers = 0, integers = 0, dates = 0, timestamps = 0, longs = 0] = counts;
  if (numbers * 2 > values) return integers === numbers ? "integer" : "decimal";
  // A cast to DATE takes a timestamp, too, and drops its time.
  if (dates * 2 > values && longs === 0) return "date";
  return timestamps * 2 > values ? "timestamp" : "text";
}

/** What an expression sees of a text column of this kind; NULL where the text is of another. */
export function typedSql(text: string, kind: ColumnKind): string {
  switch (kind) {
    case "integer":
      // The pattern keeps the cast from rounding a fraction.
      return `CASE WHEN regexp_full_match(trim(${text}), '${INTEGER}') THEN TRY_CAST(${text} AS BIGINT) END`;
    case "decimal":
      return `TRY_CAST(${text} AS DOUBLE)`;
    case "date":
      return `TRY_CAST(${text} AS DATE)`;
    case "timestamp":
      return `TRY_CAST(${text} AS TIMESTAMP)`;
    case "text":
      return text;
  }
}
