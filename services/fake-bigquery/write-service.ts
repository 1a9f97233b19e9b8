/** The part of google.cloud.bigquery.storage.v1 that the fake speaks, with Google's names and numbers. */
import { loadPackageDefinition } from "@grpc/grpc-js";
import type { ServiceClientConstructor } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: "repeated";
}

const one = (type: string, id: number): Field => ({ type, id });
const many = (type: string, id: number): Field => ({ type, id, rule: "repeated" });
const call = (name: string, answer: string): object => ({
  requestType: `${name}Request`,
  responseType: answer,
});

/** The types that google.protobuf numbers for fields of a descriptor. */
const FIELD_TYPES = [
  "DOUBLE",
  "FLOAT",
  "INT64",
  "UINT64",
  "INT32",
  "FIXED64",
  "FIXED32",
  "BOOL",
  "STRING",
  "GROUP",
  "MESSAGE",
  "BYTES",
  "UINT32",
  "ENUM",
  "SFIXED32",
  "SFIXED64",
  "SINT32",
  "SINT64",
];

const TYPES = {
  Offset: { fields: { value: one("int64", 1) } },
  Instant: { fields: { seconds: one("int64", 1), nanos: one("int32", 2) } },
  Status: { fields: { code: one("int32", 1), message: one("string", 2) } },
  FieldType: { values: Object.fromEntries(FIELD_TYPES.map((name, index) => [`TYPE_${name}`, index + 1])) },
  Label: { values: { LABEL_OPTIONAL: 1, LABEL_REQUIRED: 2, LABEL_REPEATED: 3 } },
  StreamType: { values: { TYPE_UNSPECIFIED: 0, COMMITTED: 1, PENDING: 2, BUFFERED: 3 } },
  RowErrorCode: { values: { ROW_ERROR_CODE_UNSPECIFIED: 0, FIELDS_ERROR: 1 } },
  FieldDescriptor: {
    fields: {
      name: one("string", 1),
      number: one("int32", 3),
      label: one("Label", 4),
      type: one("FieldType", 5),
    },
  },
  Descriptor: { fields: { name: one("string", 1), field: many("FieldDescriptor", 2) } },
  ProtoSchema: { fields: { protoDescriptor: one("Descriptor", 1) } },
  ProtoRows: { fields: { serializedRows: many("bytes", 1) } },
  ProtoData: { fields: { writerSchema: one("ProtoSchema", 1), rows: one("ProtoRows", 2) } },
  AppendRowsRequest: {
    fields: {
      writeStream: one("string", 1),
      offset: one("Offset", 2),
      protoRows: one("ProtoData", 4),
      traceId: one("string", 6),
    },
  },
  AppendResult: { fields: { offset: one("Offset", 1) } },
  ColumnSchema: { fields: { name: one("string", 1) } },
  TableSchema: { fields: { fields: many("ColumnSchema", 1) } },
  RowError: { fields: { index: one("int64", 1), code: one("RowErrorCode", 2), message: one("string", 3) } },
  AppendRowsResponse: {
    fields: {
      appendResult: one("AppendResult", 1),
      error: one("Status", 2),
      updatedSchema: one("TableSchema", 3),
      rowErrors: many("RowError", 4),
      writeStream: one("string", 5),
    },
  },
  WriteStream: {
    fields: { name: one("string", 1), type: one("StreamType", 2), commitTime: one("Instant", 4) },
  },
  CreateWriteStreamRequest: { fields: { parent: one("string", 1), writeStream: one("WriteStream", 2) } },
  GetWriteStreamRequest: { fields: { name: one("string", 1) } },
  FinalizeWriteStreamRequest: { fields: { name: one("string", 1) } },
  FinalizeWriteStreamResponse: { fields: { rowCount: one("int64", 1) } },
  BatchCommitWriteStreamsRequest: { fields: { parent: one("string", 1), writeStreams: many("string", 2) } },
  BatchCommitWriteStreamsResponse: { fields: { commitTime: one("Instant", 1) } },
  FlushRowsRequest: { fields: { writeStream: one("string", 1), offset: one("Offset", 2) } },
  FlushRowsResponse: { fields: { offset: one("int64", 1) } },
  BigQueryWrite: {
    methods: {
      AppendRows: { ...call("AppendRows", "AppendRowsResponse"), requestStream: true, responseStream: true },
      CreateWriteStream: call("CreateWriteStream", "WriteStream"),
      GetWriteStream: call("GetWriteStream", "WriteStream"),
      FinalizeWriteStream: call("FinalizeWriteStream", "FinalizeWriteStreamResponse"),
      BatchCommitWriteStreams: call("BatchCommitWriteStreams", "BatchCommitWriteStreamsResponse"),
      FlushRows: call("FlushRows", "FlushRowsResponse"),
    },
  },
};

export function writeService(): ServiceClientConstructor["service"] {
  const nest = (names: readonly string[], inside: object): object =>
    names.reduceRight((nested, name) => ({ [name]: { nested } }), inside);
  const nested = nest(["google", "cloud", "bigquery", "storage", "v1"], TYPES);
  const json = { nested } as Parameters<typeof fromJSON>[0];
  const loaded = loadPackageDefinition(
    fromJSON(json, { longs: String, enums: String, oneofs: true }),
  ) as unknown as {
    google: { cloud: { bigquery: { storage: { v1: { BigQueryWrite: ServiceClientConstructor } } } } };
  };
  return loaded.google.cloud.bigquery.storage.v1.BigQueryWrite.service;
}
