import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EngineError, UserError } from "../../services/shared/errors.js";
import { parseNatsUrl } from "../../services/shared/nats/address.js";
import { publishVerdict } from "../../services/shared/nats/api-errors.js";
import { originOf } from "../../services/shared/nats/delivery.js";
import { headerBlock } from "../../services/shared/nats/headers.js";
import { retryDelayMs } from "../../services/shared/settlement.js";

const CREATED_AT = "2026-01-01T00:00:00Z";

test("both forms of the ack subject are read exactly", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.constantFrom("$JS.ACK.", "$JS.ACK._.Hx3k."),
      fc.constantFrom("", ".token"),
      (storedAtNs, sequence, deliveries, start, end) => {
        const tail = start === "$JS.ACK." ? "" : end;
        const reply = `${start}x-DATA.crunch.${deliveries}.${sequence}.77.${storedAtNs}.5${tail}`;
        assert.deepEqual(originOf(reply, CREATED_AT), {
          stream: "x-DATA",
          streamCreatedAt: CREATED_AT,
          deliveries,
          sequence,
          storedAtNs,
        });
      },
    ),
  );
});

test("an ack subject of another form is refused with its text", () => {
  for (const reply of ["", "_INBOX.1", "$JS.ACK.DATA.crunch.1.2.3.4", "$JS.ACK.DATA.crunch.1.2.3.x.5"]) {
    assert.throws(() => originOf(reply, CREATED_AT), { code: "bad_ack_subject", action: "stop" });
  }
});

test("a list of NATS addresses is read with ports, users and TLS", () => {
  const address = parseNatsUrl("nats://ann:p%40ss@a.example:4333, b.example ,tls://[::1]:5000");
  assert.deepEqual(address.servers, ["a.example:4333", "b.example:4222", "[::1]:5000"]);
  assert.deepEqual([address.user, address.password, address.token], ["ann", "p@ss", undefined]);
  assert.equal(address.isTls, true);
  assert.ok(!address.shown.includes("p%40ss"));
  assert.equal(parseNatsUrl("nats://s3cret@host").token, "s3cret");
});

test("an address that is none is refused in one sentence without its password", () => {
  for (const url of [
    "",
    " , ",
    "http://host:4222",
    "nats://",
    "nats://u:hidden@host:70000",
    "nats://a b",
    "nats://h/x",
  ]) {
    assert.throws(
      () => parseNatsUrl(url),
      (thrown) =>
        thrown instanceof UserError &&
        thrown.message.startsWith("NATS_URL=") &&
        !thrown.message.includes("hidden") &&
        !thrown.message.includes("\n"),
      url,
    );
  }
});

test("a user or password with a % that starts no escape is refused in one sentence", () => {
  for (const url of ["nats://u:%zz@host", "nats://%@host"]) {
    assert.throws(
      () => parseNatsUrl(url),
      (thrown) => thrown instanceof UserError && /^NATS_URL="\*\*\*@host": .*%25/.test(thrown.message),
      url,
    );
  }
});

test("a password with characters that must be escaped is not shown either", () => {
  assert.equal(parseNatsUrl("nats://u:pa secret@h,tls://h2").shown, "nats://***@h,tls://h2");
  for (const url of ["nats://u:pa/secret@host", "nats://u:secret,pa@host"]) {
    assert.throws(
      () => parseNatsUrl(url),
      (thrown) => thrown instanceof UserError && !thrown.message.includes("secret"),
      url,
    );
  }
});

test("a header with a line end is refused, so nobody smuggles in another", () => {
  for (const bad of ["a\r\nNats-Rollup: all", "a\nb", "\r"]) {
    assert.throws(() => headerBlock("id", "DATA", { "Crunch-Run": bad }), { code: "bad_header" });
    assert.throws(() => headerBlock(bad, "DATA", undefined), { code: "bad_header" });
  }
});

test("only what can never succeed is not retried", () => {
  assert.equal(publishVerdict(10_077), "full");
  assert.equal(publishVerdict(10_054), "too_large");
  assert.equal(publishVerdict(10_060), "refused");
  for (const code of [undefined, 10_008, 10_025, 10_167, 99_999]) assert.equal(publishVerdict(code), "retry");
});

test("the delay between deliveries doubles from half a second to half a minute unless the error names one", () => {
  const error = new EngineError("busy", "retry", "busy");
  assert.deepEqual(
    [1, 2, 3, 7, 8, 5_000].map((deliveries) => retryDelayMs(error, deliveries)),
    [500, 1_000, 2_000, 30_000, 30_000, 30_000],
  );
  assert.equal(retryDelayMs(new EngineError("busy", "retry", "busy", { retryAfterMs: 7 }), 9), 7);
});
