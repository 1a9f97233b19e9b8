import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UserError } from "../../../services/shared/errors.js";

describe("a UserError", () => {
  it("says each problem in a line of its own, whatever was given", () => {
    const error = new UserError(['A="1\r\nB=2": is wrong', "C: too"]);

    assert.deepEqual(error.problems, ['A="1\\r\\nB=2": is wrong', "C: too"]);
    assert.equal(error.message, 'A="1\\r\\nB=2": is wrong\nC: too');
  });

  it("shows control characters instead of sending them to the terminal", () => {
    const { message } = new UserError('SOURCE="\u001b[2J\0\u009b\t": must be ünïcödé 👩‍🚀');

    assert.equal(message, 'SOURCE="\\u001b[2J\\u0000\\u009b\\t": must be ünïcödé 👩‍🚀');
  });

  it("keeps the setting and the limit of a value that is too long to repeat", () => {
    const { message } = new UserError(`RUN_ID="${"👩‍🚀".repeat(1_000_000)}": must be 1 to 64 letters`);

    assert.ok(message.length < 2_000, String(message.length));
    assert.match(
      message,
      /^RUN_ID="👩.* \.\.\. \d+ characters left out \.\.\. .*": must be 1 to 64 letters$/u,
    );
    assert.ok(message.isWellFormed());
  });
});
