/**
 * The codec alone, one thread: frames of 2048 flights, to bytes and back, beside protobuf-es in the
 * same run. Median of 5, after a warm-up of each.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { MyDataFrameSchema, MyResultFrameSchema } from "../../proto/gen/messages_pb.js";
import { RecordFrameEncoder, decodeRecords } from "../../services/shared/codec/record-codec.js";
import { ResultEncoder, decodeResults } from "../../services/shared/codec/result-codec.js";
import { machineLine, median } from "./machine.js";

const RUNS = 5;
const RUN_MS = 300;
const RECORDS = 2048;
const STORED_AT_NS = 1_767_225_600_123_456_789n;
const PROCESSED_AT_MS = 1_767_225_600_200.125;

const airports = ["ABE", "ORD", "ATL", "DFW", "SFO", "JFK", "LAX", "SEA", "MSY", "PHX"];
const airport = (index: number): string => airports[index % airports.length] ?? "ABE";
const records = Array.from({ length: RECORDS }, (_, index) => ({
  ID: 1_000_000n + BigInt(index),
  Data: BigInt(100 + ((index * 7919) % 2500)),
  Meta: `${airport(index * 7)}-${airport(index * 3 + 1)}`,
}));

const recordEncoder = new RecordFrameEncoder();
const resultEncoder = new ResultEncoder();

function encodeRecords(): Uint8Array {
  for (const { ID, Data, Meta } of records) recordEncoder.add(ID, Data, Meta);
  return recordEncoder.finish();
}

const recordFrame = encodeRecords();
const decoded = decodeRecords(recordFrame, true);

function encodeResults(): Uint8Array {
  resultEncoder.begin(decoded, STORED_AT_NS);
  for (let row = 0; row < RECORDS; row += 1) {
    resultEncoder.add(row, decoded.data[row] ?? 0n, PROCESSED_AT_MS + row / 1000);
  }
  return resultEncoder.finish();
}

const resultFrame = encodeResults();
const recordMessage = fromBinary(MyDataFrameSchema, recordFrame);
const resultMessage = fromBinary(MyResultFrameSchema, resultFrame);

/** What is measured: one call works through one frame. What it returns is looked at, so that no call is empty. */
const measured: readonly { name: string; ours: () => number; theirs: () => number }[] = [
  {
    name: "encode records",
    ours: () => encodeRecords().length,
    theirs: () => toBinary(MyDataFrameSchema, recordMessage).length,
  },
  {
    name: "decode records",
    ours: () => decodeRecords(recordFrame, true).count,
    theirs: () => fromBinary(MyDataFrameSchema, recordFrame).records.length,
  },
  {
    name: "encode results",
    ours: () => encodeResults().length,
    theirs: () => toBinary(MyResultFrameSchema, resultMessage).length,
  },
  {
    name: "decode results",
    ours: () => decodeResults(resultFrame, true).count,
    theirs: () => fromBinary(MyResultFrameSchema, resultFrame).results.length,
  },
  {
    name: "engine round (decode records, encode results)",
    ours: () => decodeRecords(recordFrame, true).count + encodeResults().length,
    theirs: () =>
      fromBinary(MyDataFrameSchema, recordFrame).records.length +
      toBinary(MyResultFrameSchema, resultMessage).length,
  },
];

/** Records per second of one run. */
function rate(work: () => number): number {
  let frames = 0;
  const startedAtMs = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < RUN_MS) {
    if (work() === 0) throw new Error("nothing was done");
    frames += 1;
    elapsedMs = performance.now() - startedAtMs;
  }
  return (frames * RECORDS * 1000) / elapsedMs;
}

/** Ours and theirs take turns, so that a busy machine slows both. */
function medianRates(ours: () => number, theirs: () => number): [ours: number, theirs: number] {
  rate(ours);
  rate(theirs);
  const pairs = Array.from({ length: RUNS }, () => [rate(ours), rate(theirs)] as const);
  return [median(pairs.map(([each]) => each)), median(pairs.map(([, each]) => each))];
}

if (toBinary(MyDataFrameSchema, recordMessage).length !== recordFrame.length) {
  throw new Error("protobuf-es writes another frame");
}

process.stdout.write(`${await machineLine()}\n`);
process.stdout.write(`frames of ${String(RECORDS)} flights, one thread, median of ${String(RUNS)} runs\n`);
for (const { name, ours, theirs } of measured) {
  const [oursPerS, theirsPerS] = medianRates(ours, theirs);
  const millions = (value: number): string => (value / 1e6).toFixed(2);
  const factor = (oursPerS / theirsPerS).toFixed(1);
  process.stdout.write(
    `${name}: ${millions(oursPerS)} M records/s; protobuf-es ${millions(theirsPerS)} M records/s (${factor} times)\n`,
  );
}
