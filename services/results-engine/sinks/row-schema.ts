/**
 * The warehouse row: the fields of MyResult as its protobuf descriptor has them, then what a sink
 * adds. Every sink makes its table from this list.
 */
import { MyResultSchema } from "../../../proto/gen/messages_pb.js";
import { OWN_FIELDS, fieldType } from "../../shared/codec/own-fields.js";
import type { FieldType } from "../../shared/codec/own-fields.js";

export type RowColumnType = FieldType;

/** One column. */
export interface RowColumn {
  readonly name: string;
  readonly type: RowColumnType;
  /** Whether a row may lack a value: only in columns that tables of earlier versions do not have. */
  readonly nullable: boolean;
}

/** The column that identifies a row. */
export const KEY_COLUMN = "ID";

/** Columns that come with every result, in the order of the proto. */
export const RESULT_COLUMNS: readonly RowColumn[] = MyResultSchema.fields
  .filter(({ number }) => OWN_FIELDS.every((own) => own.number !== number))
  .map((field) => ({ name: field.name, type: fieldType(field), nullable: false }));

/** Columns of the fields that a user added to MyResult. */
export const OWN_COLUMNS: readonly RowColumn[] = OWN_FIELDS.map(({ name, type }) => ({
  name,
  type,
  nullable: true,
}));

/** Everything that comes with a result. */
export const FIELD_COLUMNS: readonly RowColumn[] = [...RESULT_COLUMNS, ...OWN_COLUMNS];

/** Columns that the sink adds: when the row was written, and whether that was late. */
export const SINK_COLUMNS: readonly RowColumn[] = [
  { name: "RTimeStamp", type: "timestamp", nullable: false },
  { name: "Late", type: "bool", nullable: false },
];

/** Every column of a row. A user's own are last, where a warehouse adds a column to a table that is there. */
export const ROW_COLUMNS: readonly RowColumn[] = [...RESULT_COLUMNS, ...SINK_COLUMNS, ...OWN_COLUMNS];
