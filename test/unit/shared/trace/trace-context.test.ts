import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { traceField, traceOf } from "../../../../services/shared/trace/trace-context.js";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";
const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`;

describe("the trace of a message", () => {
  it("is read whatever the case of its headers' names", () => {
    assert.deepEqual(traceOf({ traceparent }), { traceparent });
    assert.deepEqual(traceOf({ "Nats-Msg-Id": "1", Traceparent: traceparent, TraceState: "a=1" }), {
      traceparent,
      tracestate: "a=1",
    });
    assert.deepEqual(traceField(traceOf({ traceparent })), { trace_id: TRACE_ID });
    assert.deepEqual(traceField(traceOf({})), {});
  });

  it("of a later version is handed on as what is known of it", () => {
    assert.deepEqual(traceOf({ traceparent: `cc-${TRACE_ID}-${SPAN_ID}-01-more` }), { traceparent });
  });

  const invalid = [
    "",
    "rubbish",
    traceparent.toUpperCase(),
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${"0".repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${"0".repeat(16)}-01`,
    `${traceparent}-more`,
    `00-${TRACE_ID}-${SPAN_ID}`,
    ` ${traceparent}`,
  ];
  for (const text of invalid) {
    it(`is none for traceparent ${JSON.stringify(text)}`, () => {
      assert.equal(traceOf({ traceparent: text }), undefined);
    });
  }

  it("goes on without a tracestate that cannot be a header or is longer than has to be carried", () => {
    for (const tracestate of ["a=1\r\nEvil: 1", "é=1", "", "a".repeat(513)]) {
      assert.deepEqual(traceOf({ traceparent, tracestate }), { traceparent });
    }
  });

  it("of anything anybody sends is none, or fit to be a header", () => {
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.constant(traceparent));
    const headers = fc.dictionary(fc.constantFrom("traceparent", "TRACEPARENT", "tracestate", "x"), value);
    fc.assert(
      fc.property(headers, (given) => {
        const trace = traceOf(given);
        if (trace === undefined) return;
        assert.match(trace.traceparent, /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/);
        assert.match(trace.tracestate ?? "a", /^[\x20-\x7e]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
