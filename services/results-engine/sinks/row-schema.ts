/**
 * The warehouse row: the fields of MyResult as its protobuf descriptor has them, then what a sink
 * adds. Every sink makes its table from this list.
 */
import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { MyResultSchema } from "../../../proto/gen/messages_pb.js";

export type RowColumnType = "int64" | "string" | "timestamp" | "bool";

/** One column. */
export interface RowColumn {
  readonly name: string;
  readonly type: RowColumnType;
  /** Whether a row may lack a value: only in columns that tables of earlier versions do not have. */
  readonly nullable: boolean;
}

/** The column that identifies a row. */
export const KEY_COLUMN = "ID";

/** The last field of MyResult as every version has it; fields with higher numbers are a user's own. */
const LAST_NUMBER = MyResultSchema.field.ProcessTime.number;

/** Columns that come with every result, in the order of the proto. */
export const RESULT_COLUMNS: readonly RowColumn[] = columnsOf((number) => number <= LAST_NUMBER);

/** Columns that the sink adds: when the row was written, and whether that was late. */
export const SINK_COLUMNS: readonly RowColumn[] = [
  { name: "RTimeStamp", type: "timestamp", nullable: false },
  { name: "Late", type: "bool", nullable: false },
];

/** Columns of the fields that a user added to MyResult. */
export const OWN_COLUMNS: readonly RowColumn[] = columnsOf((number) => number > LAST_NUMBER);

/** Every column of a row. A user's own are last, where a warehouse adds a column to a table that is there. */
export const ROW_COLUMNS: readonly RowColumn[] = [...RESULT_COLUMNS, ...SINK_COLUMNS, ...OWN_COLUMNS];

function columnsOf(isOf: (number: number) => boolean): RowColumn[] {
  return MyResultSchema.fields
    .filter(({ number }) => isOf(number))
    .map((field) => ({
      name: field.name,
      type: columnType(field),
      nullable: field.number > LAST_NUMBER,
    }));
}

function columnType(field: DescField): RowColumnType {
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.INT64) return "int64";
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) return "string";
  if (field.fieldKind === "message" && field.message.typeName === TimestampSchema.typeName)
    return "timestamp";
  throw new Error(`MyResult.${field.name} has a type that no warehouse column is known for`);
}
