/**
 * Fields that a user added to MyResult. They are read by their descriptor, so that a new one needs
 * `npm run proto` and nothing else to become a column of the warehouse.
 */
import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { MyResultSchema } from "../../../proto/gen/messages_pb.js";
import type { OwnColumn } from "./columns.js";
import { checkText } from "./entries.js";
import { TimestampReader } from "./timestamps.js";
import { WIRE, WireError } from "./wire-reader.js";
import type { WireReader } from "./wire-reader.js";

export type FieldType = "int64" | "string" | "timestamp" | "bool" | "float64";

export interface OwnField {
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
}

/** The last field of MyResult as every version has it; fields with higher numbers are a user's own. */
const LAST_NUMBER = MyResultSchema.field.ProcessTime.number;

/** The user's own fields, in the order of the proto. */
export const OWN_FIELDS: readonly OwnField[] = MyResultSchema.fields
  .filter(({ number }) => number > LAST_NUMBER)
  .map((field) => ({ name: field.name, number: field.number, type: fieldType(field) }));

/** @throws Error for a field that no column is known for */
export function fieldType(field: DescField): FieldType {
  if (field.fieldKind === "scalar") {
    if (field.scalar === ScalarType.INT64) return "int64";
    if (field.scalar === ScalarType.STRING) return "string";
    if (field.scalar === ScalarType.BOOL) return "bool";
    if (field.scalar === ScalarType.DOUBLE) return "float64";
  }
  if (field.fieldKind === "message" && field.message.typeName === TimestampSchema.typeName)
    return "timestamp";
  throw new Error(
    `MyResult.${field.name}: only int64, string, bool, double and google.protobuf.Timestamp become columns`,
  );
}

const WIRE_TYPES: Readonly<Record<FieldType, number>> = {
  int64: WIRE.varint,
  string: WIRE.lengthDelimited,
  timestamp: WIRE.lengthDelimited,
  bool: WIRE.varint,
  float64: WIRE.fixed64,
};

/** One field, read into its column. */
interface FieldReader {
  readonly column: OwnColumn;
  reset(row: number): void;
  read(reader: WireReader, row: number): void;
  /** After the last field of an entry. */
  store(row: number): void;
}

/** Reads the own fields of the entries of one message. An absent one is 0, "", false or the epoch. */
export class OwnFieldsReader {
  readonly columns: readonly OwnColumn[];
  readonly #byTag: ReadonlyMap<number, FieldReader>;
  readonly #readers: readonly FieldReader[];

  /**
   * @param payload of the message
   * @param capacity entries that it has, at most
   */
  constructor(fields: readonly OwnField[], payload: Uint8Array, capacity: number) {
    const readers = fields.map((field) => {
      const tag = (field.number << 3) | WIRE_TYPES[field.type];
      return [tag, fieldReader(field, payload, capacity)] as const;
    });
    this.#byTag = new Map(readers);
    this.#readers = readers.map(([, reader]) => reader);
    this.columns = this.#readers.map(({ column }) => column);
  }

  reset(row: number): void {
    for (const reader of this.#readers) reader.reset(row);
  }

  /** @returns false, having read nothing, if the tag is none of theirs */
  read(tag: number, reader: WireReader, row: number): boolean {
    const field = this.#byTag.get(tag);
    field?.read(reader, row);
    return field !== undefined;
  }

  store(row: number): void {
    for (const reader of this.#readers) reader.store(row);
  }
}

const nothing = (): void => undefined;

function fieldReader({ name, type }: OwnField, payload: Uint8Array, capacity: number): FieldReader {
  switch (type) {
    case "int64":
      return int64Reader(new BigInt64Array(capacity));
    case "bool":
      return boolReader(new Uint8Array(capacity));
    case "float64":
      return float64Reader(new Float64Array(capacity), name);
    case "string":
      return textReader(name, payload, capacity);
    case "timestamp":
      return timestampReader(new BigInt64Array(capacity), name);
  }
}

function int64Reader(column: BigInt64Array): FieldReader {
  const halves = new Int32Array(column.buffer);
  return {
    column,
    reset: (row) => (halves[2 * row] = halves[2 * row + 1] = 0),
    read: (reader, row) => {
      reader.varint64();
      halves[2 * row] = reader.lo;
      halves[2 * row + 1] = reader.hi;
    },
    store: nothing,
  };
}

function boolReader(column: Uint8Array): FieldReader {
  return {
    column,
    reset: (row) => (column[row] = 0),
    read: (reader, row) => {
      reader.varint64();
      column[row] = (reader.lo | reader.hi) === 0 ? 0 : 1;
    },
    store: nothing,
  };
}

function float64Reader(column: Float64Array, name: string): FieldReader {
  return {
    column,
    reset: (row) => (column[row] = 0),
    read: (reader, row) => {
      const { bytes, position, end } = reader;
      if (position + 8 > end) throw new WireError(`${name} is cut off`);
      column[row] = new DataView(bytes.buffer, bytes.byteOffset + position, 8).getFloat64(0, true);
      reader.position = position + 8;
    },
    store: nothing,
  };
}

function textReader(name: string, payload: Uint8Array, capacity: number): FieldReader {
  const column = { bytes: payload, starts: new Uint32Array(capacity), ends: new Uint32Array(capacity) };
  return {
    column,
    reset: (row) => (column.starts[row] = column.ends[row] = 0),
    read: (reader, row) => {
      const length = reader.length();
      checkText(payload, reader.position, reader.position + length, name);
      column.starts[row] = reader.position;
      reader.position += length;
      column.ends[row] = reader.position;
    },
    store: nothing,
  };
}

function timestampReader(column: BigInt64Array, name: string): FieldReader {
  const halves = new Uint32Array(column.buffer);
  const timestamp = new TimestampReader(name);
  return {
    column,
    reset: () => timestamp.reset(),
    read: (reader) => timestamp.read(reader, reader.length()),
    store: (row) => timestamp.store(halves, row),
  };
}
