/**
 * Malformed messages through what the engines do with them: decode, crunch, encode, decode again.
 *
 * The oracle of the codec's own tests says what must come out. Every message ends in one of two
 * ways: undecodable, so that it is parked whole, or with each of its entries either a row or a
 * broken entry to be parked alone, byte for byte.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { MyResultFrameSchema, MyResultSchema } from "../../proto/gen/messages_pb.js";
import { identity } from "../../services/crunch-engine/crunchers/identity.js";
import { MessageCruncher } from "../../services/crunch-engine/pool/message-cruncher.js";
import { crunchTogether } from "../support/crunch-together.js";
import { STORED_AT_NS, jobOf } from "../support/jobs.js";
import { expectedOf, isUndecodable, recordKind, resultKind } from "../unit/shared/codec/oracle.js";
import type { Decoded, Kind, RecordValues } from "../unit/shared/codec/oracle.js";
import { malformedMessage } from "./malformed-messages.js";
import type { Malformed } from "./malformed-messages.js";
import { Differences } from "./protobuf-es-differences.js";
import { Random } from "./random.js";

/** Longest time one message may take, in milliseconds: what is slower hangs an engine. */
const MAX_MESSAGE_MS = 2_000;
/** An error goes into a header; it says what is wrong and does not repeat the message. */
const MAX_ERROR_CHARS = 300;

export interface MessageTotals {
  messages: number;
  /** Messages all of whose entries are rows. */
  whole: number;
  /** Messages with rows and broken entries. */
  inPart: number;
  /** Messages without a row: undecodable, or all entries broken. */
  parked: number;
  rows: number;
  brokenEntries: number;
  slowestMs: number;
  /** Where the codec and protobuf-es differ, by why; see `oracle.ts`. */
  readonly differences: ReadonlyMap<string, number>;
}

/** @throws Error with the message and why it is the `cause`, when one ends otherwise than the oracle says */
export async function fuzzMessages(count: number, seed: number): Promise<MessageTotals> {
  const random = new Random(seed);
  const differences = new Differences();
  const cruncher = new MessageCruncher(identity.crunch);
  const totals = { messages: 0, whole: 0, inPart: 0, parked: 0, rows: 0, brokenEntries: 0, slowestMs: 0 };
  for (; totals.messages < count; totals.messages += 1) {
    const message = malformedMessage(random);
    const startMs = performance.now();
    try {
      const ending =
        message.topic === "data"
          ? await checkData(message, cruncher, differences)
          : checkEntries(resultKind, message, differences);
      const rows = ending?.rows.length ?? 0;
      totals.rows += rows;
      totals.brokenEntries += ending?.invalid.length ?? 0;
      if (ending?.invalid.length === 0) totals.whole += 1;
      else if (rows > 0) totals.inPart += 1;
      else totals.parked += 1;
    } catch (thrown) {
      const bytes = Buffer.from(message.payload).toString("hex");
      const which = `message ${String(totals.messages)} of seed ${String(seed)}`;
      throw new Error(`${which} (${message.topic}${message.isFrame ? ".frame" : ""}): ${bytes}`, {
        cause: thrown,
      });
    }
    totals.slowestMs = Math.max(totals.slowestMs, performance.now() - startMs);
  }
  ok(totals.slowestMs < MAX_MESSAGE_MS, `a message took ${String(totals.slowestMs)} ms`);
  return { ...totals, differences: differences.counts };
}

/** Undefined when the message as a whole is undecodable. */
type Ending<Values> = Decoded<Values> | undefined;

/** What a crunch-engine does with it, and then a results-engine with the answer. */
async function checkData(
  message: Malformed,
  cruncher: MessageCruncher,
  differences: Differences,
): Promise<Ending<RecordValues>> {
  const { payload, isFrame } = message;
  const ending = checkEntries(recordKind, message, differences);
  const before = Buffer.from(payload);
  const [answer] = await crunchTogether(cruncher, [jobOf(payload, isFrame)]);
  ok(before.equals(payload), "crunching leaves the payload as it was");
  if (answer?.status !== "fulfilled" || ending === undefined) {
    strictEqual(answer?.status === "rejected", ending === undefined);
    return ending;
  }
  const { resultPayload, resultCount, failed } = answer.value;
  strictEqual(resultCount, ending.rows.length);
  deepStrictEqual(
    failed.map(({ index, payload: bytes, reason }) => ({ index, bytes, reason })),
    ending.invalid.map(({ index, bytes }) => ({ index, bytes, reason: "invalid_record" })),
  );
  if (resultPayload === undefined) strictEqual(resultCount, 0);
  else checkAnswer(resultPayload, isFrame, ending.rows);
  return ending;
}

/** The answer as our decoder and as protobuf-es read it. */
function checkAnswer(payload: Uint8Array, isFrame: boolean, records: readonly RecordValues[]): void {
  const { rows, invalid } = resultKind.decode(payload, isFrame);
  strictEqual(invalid.length, 0);
  deepStrictEqual(
    rows.map(({ ID, Data, Meta, RData, dTimeStampUs }) => ({ ID, Data, Meta, RData, dTimeStampUs })),
    records.map((record) => ({ ...record, RData: record.Data, dTimeStampUs: STORED_AT_NS / 1000n })),
  );
  const results = isFrame
    ? fromBinary(MyResultFrameSchema, payload).results
    : [fromBinary(MyResultSchema, payload)];
  deepStrictEqual(
    results.map(({ ID, Data, Meta, RData }) => ({ ID, Data, Meta, RData })),
    // protobuf-es drops a byte order mark in front of a text.
    records.map(({ ID, Data, Meta }) => ({ ID, Data, Meta: Meta.replace(/^\ufeff/u, ""), RData: Data })),
  );
}

/** Decoding gives what the oracle says, and is held against what protobuf-es alone says. */
function checkEntries<Values extends RecordValues>(
  kind: Kind<Values>,
  { payload, isFrame }: Malformed,
  differences: Differences,
): Ending<Values> {
  const expected = expectedOf(kind, payload, isFrame);
  let decoded: Decoded<Values>;
  try {
    decoded = kind.decode(payload, isFrame);
  } catch (thrown) {
    ok(isUndecodable(thrown), String(thrown));
    ok(expected === undefined, `refused: ${String(thrown)}`);
    checkError((thrown as Error).message);
    if (!isFrame) differences.note(kind, payload, undefined, (thrown as Error).message);
    return undefined;
  }
  ok(expected !== undefined, "accepted what is malformed");
  const invalid = decoded.invalid.map(({ index, bytes }) => ({ index, bytes: bytes.slice(), error: "" }));
  deepStrictEqual({ ...decoded, invalid }, expected);
  for (const [row, bytes] of decoded.entries.entries()) differences.note(kind, bytes, decoded.rows[row], "");
  for (const { bytes, error } of decoded.invalid) {
    checkError(error);
    differences.note(kind, bytes, undefined, error);
  }
  return { ...decoded, invalid };
}

function checkError(error: string): void {
  ok(error.length > 0 && error.length <= MAX_ERROR_CHARS, `an error of ${String(error.length)} characters`);
}
