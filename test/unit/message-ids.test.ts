/** The names under which streams recognise messages: the same for the same, and for nothing else. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ResultsPublisher } from "../../services/crunch-engine/results-publisher.js";
import { runPipeline } from "../../services/data-engine/pipeline.js";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import type { MessageOrigin, OutgoingMessage, Publisher } from "../../services/shared/messaging.js";
import { Parker, parkedIdOf } from "../../services/shared/parking.js";
import { NO_SPAN, NO_TRACER } from "../../services/shared/trace/tracer.js";
import { HeldPublisher } from "../support/held-publisher.js";
import { chunkOf } from "../support/source-rows.js";

/** Streams are named by a namespace of letters, digits, - and _; the instant is the server's. */
const origin = fc.record({
  stream: fc.stringMatching(/^([A-Za-z0-9_-]{1,6}-)?(DATA|RESULTS)$/),
  streamCreatedAt: fc
    .date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true })
    .map((date) => date.toISOString()),
  sequence: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  storedAtNs: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  deliveries: fc.integer({ min: 1, max: 9 }),
});
/** Few values, so that two draws are often equal in all but one. */
const nearOrigin = fc.record({
  stream: fc.constantFrom("DATA", "x-DATA", "x-1-DATA"),
  streamCreatedAt: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z"),
  sequence: fc.integer({ min: 1, max: 12 }),
  storedAtNs: fc.bigInt({ min: 0n, max: 12n }),
  deliveries: fc.integer({ min: 1, max: 3 }),
});
/** Two that have each of their fields in common as often as not. */
function pairOf<T extends object>(one: fc.Arbitrary<T>): fc.Arbitrary<[T, T]> {
  return fc.tuple(one, one, fc.infiniteStream(fc.boolean())).map(([first, second, coin]) => {
    const entries = Object.entries(first).map(([name, value]: [string, unknown]) => {
      return [name, coin.next().value === true ? value : (second as Record<string, unknown>)[name]];
    });
    return [first, Object.fromEntries(entries) as T];
  });
}
const origins = pairOf(fc.oneof(origin, nearOrigin));
const recordIndex = fc.option(fc.nat({ max: 12 }), { nil: undefined });
const cruncher = fc.record({
  name: fc.oneof(fc.constantFrom("a", "a-b", "b", "x.mjs"), fc.string({ minLength: 1, maxLength: 20 })),
  version: fc.oneof(fc.constantFrom("1", "2", "b-1"), fc.string({ minLength: 1, maxLength: 20 })),
});

/** A killed server may forget its newest message after it was delivered, and give its number to another. */
const placeOf = ({ stream, streamCreatedAt, sequence, storedAtNs }: MessageOrigin): unknown[] => [
  stream,
  streamCreatedAt,
  sequence,
  String(storedAtNs),
];

/** An id is the same exactly if what it names is. */
function assertNames(ids: readonly [string, string], named: readonly [unknown, unknown]): void {
  const isSame = JSON.stringify(named[0]) === JSON.stringify(named[1]);
  assert.equal(ids[0] === ids[1], isSame, `${ids.join(" and ")} for ${JSON.stringify(named)}`);
}

async function resultIdOf(from: MessageOrigin, by: { name: string; version: string }): Promise<string> {
  const publisher = new HeldPublisher();
  publisher.release();
  const message = {
    topic: "data",
    isFrame: false,
    headers: {},
    trace: undefined,
    payload: encodeRecord(1n, 2n, ""),
    origin: from,
  } as const;
  const outcome = { resultPayload: new Uint8Array(1), resultCount: 1, failed: [], crunchMs: 0 };
  await new ResultsPublisher(publisher, by, NO_TRACER).publish(message, outcome, NO_SPAN);
  return publisher.messages[0]?.messageId ?? "";
}

describe("message ids", () => {
  it("two messages share an id only if they are the same message", async () => {
    await fc.assert(
      fc.asyncProperty(origins, pairOf(cruncher), async ([one, other], [by, byOther]) => {
        assertNames(
          [await resultIdOf(one, by), await resultIdOf(other, byOther)],
          [
            [placeOf(one), `${by.name}@${by.version}`],
            [placeOf(other), `${byOther.name}@${byOther.version}`],
          ],
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it("of results are the same at every delivery", async () => {
    await fc.assert(
      fc.asyncProperty(origin, cruncher, async (from, by) => {
        const again = { ...from, deliveries: from.deliveries + 1 };
        assert.equal(await resultIdOf(from, by), await resultIdOf(again, by));
        assert.match(await resultIdOf(from, by), /^[\x21-\x7e]{1,200}$/);
      }),
    );
  });

  it("of what is parked tell messages, records of a message and streams apart", () => {
    fc.assert(
      fc.property(origins, recordIndex, recordIndex, ([one, other], record, otherRecord) => {
        assertNames(
          [parkedIdOf(one, record), parkedIdOf(other, otherRecord)],
          [
            [placeOf(one), record ?? null],
            [placeOf(other), otherRecord ?? null],
          ],
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("of frames are the same for the same run, place and bytes, and for nothing else", async () => {
    const run = fc.record({
      runId: fc.constantFrom("a", "a-1", "b"),
      fromPosition: fc.integer({ min: 0, max: 11 }),
      data: fc.bigInt({ min: 0n, max: 3n }),
    });
    await fc.assert(
      fc.asyncProperty(pairOf(run), async ([one, other]) => {
        assertNames([await frameIdOf(one), await frameIdOf(other)], [stringOf(one), stringOf(other)]);
      }),
      { numRuns: 500 },
    );
  });
});

interface Run {
  readonly runId: string;
  readonly fromPosition: number;
  readonly data: bigint;
}

const stringOf = ({ runId, fromPosition, data }: Run): string[] => [
  runId,
  String(fromPosition),
  String(data),
];

async function frameIdOf({ runId, fromPosition, data }: Run): Promise<string> {
  const sent: OutgoingMessage[] = [];
  const publisher: Publisher = {
    publish: (message) => {
      sent.push(message);
      return Promise.resolve({ stream: "DATA", sequence: 1, duplicate: false });
    },
    blockedBy: () => undefined,
  };
  const source = {
    paced: false,
    expectedRecords: undefined,
    // eslint-disable-next-line @typescript-eslint/require-await -- asynchronous by its interface only
    chunks: async function* () {
      yield chunkOf([[1n, data, ""]], fromPosition + 1, []);
    },
    close: () => Promise.resolve(),
  };
  await runPipeline(
    {
      source,
      publisher,
      parker: new Parker(publisher, "test"),
      limits: { maxRecords: 9, maxBytes: 1_000, maxRecordBytes: 900 },
      window: 1,
      runId,
      fromPosition,
      admission: { admit: () => Promise.resolve(), confirmed: () => undefined },
      observer: { sending: () => undefined, confirmed: () => undefined },
      tracer: NO_TRACER,
    },
    new AbortController().signal,
  );
  return sent[0]?.messageId ?? "";
}
