import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readConsoleSettings } from "../../../services/console/config.js";
import { UserError } from "../../../services/shared/errors.js";
import { tempFolder } from "../../support/temp-folder.js";

const TOKEN = "correct-horse-battery";

describe("the settings of the console", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const fileWith = (text: string): string => {
    const path = join(folder.path, "token");
    writeFileSync(path, text);
    return path;
  };

  it("listen on this machine only and are read-only unless told", () => {
    const { access, ...rest } = readConsoleSettings({});
    assert.equal(access.NATS_NKEY_FILE, undefined);
    assert.deepEqual(rest, {
      natsUrl: "nats://127.0.0.1:4222",
      namespace: undefined,
      port: 8088,
      host: "127.0.0.1",
      token: undefined,
    });
    assert.equal(readConsoleSettings({ HTTP_HOST: "0.0.0.0" }).host, "127.0.0.1", "meant for metrics");
  });

  it("take a token from a file, without the end of its line", () => {
    assert.equal(readConsoleSettings({ CONSOLE_TOKEN_FILE: fileWith(`${TOKEN}\n`) }).token, TOKEN);
    assert.equal(readConsoleSettings({ CONSOLE_TOKEN: TOKEN, CONSOLE_TOKEN_FILE: "" }).token, TOKEN);
  });

  const wrong: readonly (readonly [env: () => Record<string, string>, says: RegExp])[] = [
    [() => ({ CONSOLE_TOKEN: "short-secret" }), /^CONSOLE_TOKEN: a token must be 16 printable/],
    [() => ({ CONSOLE_TOKEN: "a secret with spaces" }), /^CONSOLE_TOKEN: a token must be .* without spaces$/],
    [() => ({ CONSOLE_TOKEN_FILE: fileWith("short-secret") }), /^CONSOLE_TOKEN_FILE=".*": a token must be/],
    [() => ({ CONSOLE_TOKEN_FILE: fileWith("") }), /^CONSOLE_TOKEN_FILE=".*": a token must be/],
    [
      () => ({ CONSOLE_TOKEN_FILE: "/nowhere/token" }),
      /^CONSOLE_TOKEN_FILE="\/nowhere\/token": cannot be read/,
    ],
    [
      () => ({ CONSOLE_TOKEN: TOKEN, CONSOLE_TOKEN_FILE: fileWith(TOKEN) }),
      /^CONSOLE_TOKEN_FILE: give either/,
    ],
    [() => ({ CONSOLE_PORT: "65536" }), /^CONSOLE_PORT="65536": must be a whole number from 0 to 65535$/],
  ];
  for (const [env, says] of wrong) {
    it(`are refused with one sentence and no secret: ${says.source}`, () => {
      assert.throws(
        () => readConsoleSettings(env()),
        (thrown: unknown) => {
          assert.ok(thrown instanceof UserError);
          assert.match(thrown.message, says);
          assert.doesNotMatch(thrown.message, /secret|correct-horse/);
          return true;
        },
      );
    });
  }
});
