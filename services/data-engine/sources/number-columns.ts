import type { DuckDb } from "../../shared/duckdb.js";

/** Rows that decide what a column is. */
export const SAMPLE_ROWS = 20_480;

const INTEGER = "[+-]?[0-9]+";

/** What the texts of a column are, going by most of them. */
export type TextKind = "integer" | "decimal" | "text";

/**
 * Looks at the first rows and tells number columns from others. More than half of a column's
 * values decide, so that one bad value neither makes a text column of it nor goes unnoticed.
 *
 * @param texts SQL of each column's text over `relation`
 */
export async function kindsOf(
  db: DuckDb,
  relation: string,
  texts: readonly string[],
): Promise<readonly TextKind[]> {
  if (texts.length === 0) return [];
  const counts = texts.map(
    (_, index) =>
      `count(c${String(index)}), count(TRY_CAST(c${String(index)} AS DOUBLE)), ` +
      `count(*) FILTER (regexp_full_match(trim(c${String(index)}), '${INTEGER}'))`,
  );
  const columns = texts.map((text, index) => `${text} AS c${String(index)}`);
  const [row] = await db.rows(
    `SELECT [${counts.join(", ")}]::VARCHAR AS counts FROM (SELECT ${columns.join(", ")} FROM ${relation} LIMIT ${String(SAMPLE_ROWS)})`,
  );
  const flat = JSON.parse(String(row?.counts)) as number[];
  return texts.map((_, index): TextKind => {
    const [values = 0, numbers = 0, integers = 0] = flat.slice(3 * index, 3 * index + 3);
    if (numbers * 2 <= values) return "text";
    return integers === numbers ? "integer" : "decimal";
  });
}

/** What an expression sees of a text column of this kind. */
export function typedSql(text: string, kind: TextKind): string {
  switch (kind) {
    case "integer":
      // The pattern keeps the cast from rounding a fraction.
      return `CASE WHEN regexp_full_match(trim(${text}), '${INTEGER}') THEN TRY_CAST(${text} AS BIGINT) END`;
    case "decimal":
      return `TRY_CAST(${text} AS DOUBLE)`;
    case "text":
      return text;
  }
}
