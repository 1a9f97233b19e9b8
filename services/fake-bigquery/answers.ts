/** What the fake answers where nothing goes in or out. */
import type { Fault, Json } from "./faults.js";
import type { FakeField } from "./values.js";

/** JSON, or a text that is none. */
export interface Answer {
  readonly status: number;
  readonly body: Json | string;
}

/** The answer that a fault asks for; undefined if it asks for none. */
export function faultAnswer(fault: Fault | undefined): Answer | undefined {
  if (fault?.html200 === true) return { status: 200, body: "<html><body>Please log in</body></html>" };
  if (fault?.body !== undefined) return { status: fault.status ?? 200, body: fault.body };
  if (fault?.status === undefined) return undefined;
  return error(fault.status, fault.reason, fault.message ?? fault.reason ?? "Error");
}

/** Google's error JSON; without a reason there are no `errors` in it. */
export function error(code: number, reason: string | undefined, message: string): Answer {
  const errors = reason === undefined ? {} : { errors: [{ message, domain: "global", reason }] };
  return { status: code, body: { error: { code, message, ...errors } } };
}

/** BigQuery takes no column away and makes none REQUIRED afterwards. @returns its words; undefined if it takes the change */
export function refusedChange(before: Json, change: Json): string | undefined {
  const fieldsOf = ({ schema }: Json): readonly FakeField[] =>
    (schema as { fields?: readonly FakeField[] } | undefined)?.fields ?? [];
  if (change.schema === undefined) return undefined;
  const old = new Map(fieldsOf(before).map((field) => [field.name, field]));
  const next = new Map(fieldsOf(change).map((field) => [field.name, field]));
  const missing = [...old.keys()].find((name) => !next.has(name));
  if (missing !== undefined)
    return `Provided Schema does not match Table: field ${missing} is missing in new schema`;
  const added = [...next.values()].find(({ name, mode }) => !old.has(name) && mode === "REQUIRED");
  if (added === undefined) return undefined;
  return `Provided Schema does not match Table: Cannot add required fields to an existing schema. (field: ${added.name})`;
}
