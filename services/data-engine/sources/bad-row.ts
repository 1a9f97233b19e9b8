import type { QueryChunk } from "../../shared/duckdb-chunk.js";
import { COLUMN } from "./row-query.js";
import type { BadTexts, Role, RowQuery } from "./row-query.js";
import type { BadRow } from "./source.js";

/** Longest value quoted in a reason. */
const MAX_QUOTED_CHARS = 100;

/** A bad row of a query's result, before its place in the file is known. */
export interface FoundBadRow {
  readonly texts: BadTexts;
  /** Which of the two is no int64. */
  readonly role: Role;
}

export function findBadRow(query: RowQuery, rows: QueryChunk, row: number): FoundBadRow {
  const texts = JSON.parse(rows.text(COLUMN.bad, row)) as BadTexts;
  const idIsBad = query.hasId && !rows.has(COLUMN.id, row);
  return { texts, role: idIsBad ? "id" : "data" };
}

/** @param place `line 7` or `row 6` */
export function badRowOf(query: RowQuery, found: FoundBadRow, position: number, place: string): BadRow {
  const [id, data, meta, row] = found.texts;
  const value = found.role === "id" ? id : data;
  const isBroken = row !== null && !isJsonObject(row);
  const reason = `${place}: ${isBroken ? "no JSON object" : complaint(query, found.role, value)}`;
  return { position, reason, row: row ?? JSON.stringify({ ...(query.hasId && { id }), data, meta }) };
}

function complaint(query: RowQuery, role: Role, value: string | null): string {
  if (value === null) {
    const expression = query.expressionOf(role);
    return expression === undefined ? `${role} is empty` : `${role}=${expression} gives no value`;
  }
  const quoted = value.length > MAX_QUOTED_CHARS ? `${value.slice(0, MAX_QUOTED_CHARS)}...` : value;
  const type = query.typeOf(role);
  const isRounded = (type === "DOUBLE" || type === "FLOAT") && Number.isInteger(Number(value));
  const why = isRounded ? `, because a ${type} of this size is not exact` : "";
  return `${role}="${quoted}" is no int64${why}`;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
