/** What `crunch schema` does: the tables of a sink as they must be, as they are, and made so. */
import { schemaOfSink } from "../results-engine/sinks/index.js";
import type { SchemaComparison, SinkSchema } from "../results-engine/sinks/sink-schema.js";
import { UserError } from "../shared/errors.js";
import type { SchemaSettings } from "./config.js";

/** Something differs, or is refused. */
const DIFFERENT_EXIT = 1;
const FORMATS: readonly string[] = ["ddl", "json"];

export interface SchemaOutput {
  /** One line of JSON instead of text. */
  readonly json: boolean;
  readonly out: (text: string) => void;
}

/**
 * Describes the tables without asking anybody.
 *
 * @param format `ddl`: SQL statements; `json`: the columns, as `bq mk --schema` takes them
 * @returns the exit code, 0
 * @throws UserError when SINK names no table or the format is none
 */
export async function showSchema(
  settings: SchemaSettings,
  format: string,
  { json, out }: SchemaOutput,
): Promise<number> {
  if (!FORMATS.includes(format)) {
    throw new UserError(`--format="${format}": must be one of ${FORMATS.join(", ")}`);
  }
  const { description, columns, layout, ddl } = await schemaOf(settings);
  if (json) out(line({ sink: description, columns, ...layout, ddl }));
  else if (format === "json") out(`${JSON.stringify(columns, undefined, 2)}\n`);
  else out(ddl.map((statement) => `${statement};\n`).join("\n"));
  return 0;
}

/**
 * Holds the real tables against the description, and changes nothing.
 *
 * @returns the exit code: 0 when nothing differs, 1 when something does
 * @throws UserError when SINK names no table, or the warehouse cannot be read
 */
export async function diffSchema(settings: SchemaSettings, { json, out }: SchemaOutput): Promise<number> {
  const schema = await schemaOf(settings);
  const { differences, notes } = await schema.compare();
  const isEqual = differences.length === 0;
  if (json) {
    out(line({ sink: schema.description, equal: isEqual, differences: differences.map(toJson), notes }));
  } else {
    out(isEqual ? `${schema.description}: nothing differs\n` : "");
    for (const { problem, refusal } of differences) {
      out(`${problem}: ${refusal === undefined ? "apply adds it" : `apply leaves it, ${refusal}`}\n`);
    }
    out(notesText(notes));
  }
  return isEqual ? 0 : DIFFERENT_EXIT;
}

/**
 * Adds what is missing, or changes nothing at all where something differs that must not be touched.
 *
 * @returns the exit code: 0 when the tables are as described, 1 when it refused
 * @throws UserError when SINK names no table, or the warehouse refuses
 */
export async function applySchema(settings: SchemaSettings, { json, out }: SchemaOutput): Promise<number> {
  const schema = await schemaOf(settings);
  const { differences, notes } = await schema.compare();
  const refused = differences.filter(({ refusal }) => refusal !== undefined);
  const isRefused = refused.length > 0;
  if (!isRefused && differences.length > 0) await schema.apply();
  const changes = isRefused ? [] : differences.map(({ change }) => change);
  if (json) {
    out(line({ sink: schema.description, changes, refused: refused.map(toJson), notes }));
    return isRefused ? DIFFERENT_EXIT : 0;
  }
  for (const { problem, refusal } of refused) out(`refused: ${problem}: ${refusal ?? ""}\n`);
  if (isRefused) out(`${schema.description}: nothing was changed\n`);
  for (const change of changes) out(`${change ?? ""}\n`);
  if (!isRefused && changes.length === 0) out(`${schema.description}: nothing differs\n`);
  out(notesText(notes));
  return isRefused ? DIFFERENT_EXIT : 0;
}

function schemaOf({ SINK, BIGQUERY_API_ENDPOINT }: SchemaSettings): Promise<SinkSchema> {
  return schemaOfSink(SINK, BIGQUERY_API_ENDPOINT);
}

function toJson({ problem, refusal }: SchemaComparison["differences"][number]): Record<string, unknown> {
  return { problem, additive: refusal === undefined, ...(refusal === undefined ? {} : { refusal }) };
}

function notesText(notes: readonly string[]): string {
  return notes.map((note) => `note: ${note}\n`).join("");
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
