import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { UserError } from "../../../services/shared/errors.js";
import { integerParam, parsePluginUri } from "../../../services/shared/plugin-uri.js";

const anyText = fc.string({ unit: "binary", maxLength: 30 });
const scheme = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const params = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z_]{1,8}$/), anyText), {
  selector: ([name]) => name,
  maxLength: 5,
});

describe("plug-in URIs", () => {
  it("give back every path and value that was escaped", () => {
    fc.assert(
      fc.property(scheme, anyText, params, (name, path, pairs) => {
        const query = pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
        const text = `${name}:${encodeURIComponent(path)}${query === "" ? "" : `?${query}`}`;

        const uri = parsePluginUri("SOURCE", text);

        assert.deepEqual([uri.scheme, uri.path, uri.text], [name, path, text]);
        assert.deepEqual([...uri.params], pairs);
      }),
      { numRuns: 1_000 },
    );
  });

  it("leave SQL as it is written, but for & and %XX", () => {
    const sql = anyText.map((text) => text.replace(/[&]|%(?=[0-9a-f]{2})/gi, "+"));
    fc.assert(
      fc.property(sql, (expression) => {
        assert.equal(parsePluginUri("SOURCE", `file:x?data=${expression}`).params.get("data"), expression);
      }),
      { numRuns: 1_000 },
    );
  });

  it("read whole numbers within their limits and refuse everything else by name", () => {
    const value = fc.oneof(fc.bigInt().map(String), fc.integer({ min: -20, max: 20 }).map(String), anyText);
    fc.assert(
      fc.property(value, (text) => {
        const uri = parsePluginUri("SOURCE", `x:?n=${encodeURIComponent(text)}`);
        const read = (): number => integerParam("SOURCE", uri, "n", { min: -9, max: 9, default: 0 });
        if (/^-?0*\d$/.test(text)) assert.equal(read(), Number(text));
        else assert.throws(read, (thrown) => thrown instanceof UserError && thrown.message.includes("n="));
      }),
      { numRuns: 1_000 },
    );
  });
});
