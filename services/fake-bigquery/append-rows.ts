/** Rows as the Storage Write API brings them: protobuf of a descriptor that the client sends along. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Json, RowFault } from "./faults.js";
import type { FakeField } from "./values.js";
import { timestampText } from "./values.js";
import type { FakeTable } from "./warehouse.js";

/** google.protobuf.DescriptorProto, as far as rows need it. */
export interface RowDescriptor {
  readonly field?: readonly {
    readonly name: string;
    readonly number: number;
    readonly type: string;
    readonly label?: string;
  }[];
}

/** A row on its way into a table: what it holds, and what kind of change it is. */
export interface AppendedRow {
  readonly json: Json;
  /** `_CHANGE_TYPE`; undefined if the descriptor has no such field. */
  readonly changeType: string | undefined;
  /** `_CHANGE_SEQUENCE_NUMBER`, section by section. */
  readonly sequence: readonly bigint[];
}

const CHANGE_TYPE = "_CHANGE_TYPE";
const CHANGE_SEQUENCE_NUMBER = "_CHANGE_SEQUENCE_NUMBER";

/** Which types of a descriptor go into which type of column. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  INTEGER: ["TYPE_INT64", "TYPE_INT32", "TYPE_UINT32"],
  TIMESTAMP: ["TYPE_INT64", "TYPE_INT32", "TYPE_UINT32"],
  STRING: ["TYPE_STRING"],
  BOOLEAN: ["TYPE_BOOL"],
  FLOAT: ["TYPE_DOUBLE", "TYPE_FLOAT"],
};
const SAME_TYPE: Readonly<Record<string, string>> = { INT64: "INTEGER", BOOL: "BOOLEAN", FLOAT64: "FLOAT" };

/** Why no row of this descriptor goes into the table; undefined if rows may. */
export function descriptorProblem({ field = [] }: RowDescriptor, table: FakeTable): string | undefined {
  const columns = new Map(table.fields.map((column) => [column.name.toLowerCase(), column]));
  for (const { name, type } of field) {
    if (name === CHANGE_TYPE || name === CHANGE_SEQUENCE_NUMBER) {
      if (type !== "TYPE_STRING") return `Field ${name} must be a string`;
      if (table.keyColumns.length === 0) return `${name} needs a table with a primary key`;
      continue;
    }
    const column = columns.get(name.toLowerCase());
    if (column === undefined) {
      return `Input schema has more fields than BigQuery schema, extra fields: '${name}'`;
    }
    if (FITTING[typeOf(column)]?.includes(type) === false) {
      return `The proto field mismatched with BigQuery field at root.${name}, the proto field type ${type}, BigQuery field type ${column.type}`;
    }
  }
  const names = field.map(({ name }) => name);
  if (names.includes(CHANGE_SEQUENCE_NUMBER) && !names.includes(CHANGE_TYPE)) {
    return `${CHANGE_SEQUENCE_NUMBER} needs ${CHANGE_TYPE}`;
  }
  return undefined;
}

/** Reads a row. An absent field is a missing value, zero and empty included: rows are proto2. */
export function readRow(
  bytes: Uint8Array,
  { field = [] }: RowDescriptor,
  table: FakeTable,
): AppendedRow | RowFault {
  const byNumber = new Map(field.map((one) => [one.number, one]));
  const values: Record<string, unknown> = {};
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const known = byNumber.get(number);
      if (known === undefined) reader.skip(wireType);
      else if (known.type === "TYPE_STRING" && wireType === WireType.LengthDelimited) {
        values[known.name] = reader.string();
      } else if (known.type === "TYPE_BOOL" && wireType === WireType.Varint) {
        values[known.name] = reader.bool();
      } else if (known.type === "TYPE_DOUBLE" && wireType === WireType.Bit64) {
        values[known.name] = reader.double();
      } else if (known.type === "TYPE_FLOAT" && wireType === WireType.Bit32) {
        values[known.name] = reader.float();
      } else if (wireType === WireType.Varint) values[known.name] = BigInt(reader.int64());
      else return fault(`Field ${known.name} has the wrong wire type`);
    }
  } catch (thrown) {
    return fault(`Invalid proto message: ${String(thrown)}`);
  }
  const missing = field.find(({ name, label }) => label === "LABEL_REQUIRED" && !(name in values));
  if (missing !== undefined) return fault(`Missing required field ${missing.name} in the proto message`);
  const { [CHANGE_TYPE]: changeType, [CHANGE_SEQUENCE_NUMBER]: sequenceText, ...cells } = values;
  const hasChange = field.some(({ name }) => name === CHANGE_TYPE);
  if (hasChange && changeType !== "UPSERT") {
    return fault(`Only ${CHANGE_TYPE} UPSERT is known here, not ${String(changeType)}`);
  }
  const sequence = sequenceOf(typeof sequenceText === "string" ? sequenceText : "0");
  if (sequence === undefined) return fault(`Invalid ${CHANGE_SEQUENCE_NUMBER}: ${String(sequenceText)}`);
  for (const column of table.fields) {
    const value = cells[column.name];
    if (typeof value !== "bigint") continue;
    const text = typeOf(column) === "TIMESTAMP" ? timestampText(value) : String(value);
    if (text === undefined) return fault(`Timestamp field value is out of range: ${String(value)}`);
    cells[column.name] = text;
  }
  return { json: cells, changeType: hasChange ? "UPSERT" : undefined, sequence };
}

/** One to four sections of up to 16 hexadecimal digits, the first weighs most. */
function sequenceOf(text: string): readonly bigint[] | undefined {
  if (!/^[0-9a-fA-F]{1,16}(?:\/[0-9a-fA-F]{1,16}){0,3}$/.test(text)) return undefined;
  return text.split("/").map((section) => BigInt(`0x${section}`));
}

function typeOf({ type }: FakeField): string {
  return SAME_TYPE[type] ?? type;
}

function fault(message: string): RowFault {
  return { reason: "invalid", message };
}
