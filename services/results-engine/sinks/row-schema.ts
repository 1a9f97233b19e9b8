/**
 * The warehouse row: the fields of MyResult as its protobuf descriptor has them, then what a sink
 * adds. Every sink makes its table from this list.
 */
import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { MyResultSchema } from "../../../proto/gen/messages_pb.js";

export type RowColumnType = "int64" | "string" | "timestamp" | "bool";

/** One column; none is ever null. */
export interface RowColumn {
  readonly name: string;
  readonly type: RowColumnType;
}

/** The column that identifies a row. */
export const KEY_COLUMN = "ID";

/** Columns that come with the result, in the order of the proto. */
export const RESULT_COLUMNS: readonly RowColumn[] = MyResultSchema.fields.map((field) => ({
  name: field.name,
  type: columnType(field),
}));

/** Columns that the sink adds: when the row was written, and whether that was late. */
export const SINK_COLUMNS: readonly RowColumn[] = [
  { name: "RTimeStamp", type: "timestamp" },
  { name: "Late", type: "bool" },
];

/** Every column of a row, in order. */
export const ROW_COLUMNS: readonly RowColumn[] = [...RESULT_COLUMNS, ...SINK_COLUMNS];

function columnType(field: DescField): RowColumnType {
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.INT64) return "int64";
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) return "string";
  if (field.fieldKind === "message" && field.message.typeName === TimestampSchema.typeName)
    return "timestamp";
  throw new Error(`MyResult.${field.name} has a type that no warehouse column is known for`);
}
