import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { accessOptions } from "../../services/shared/nats/access.js";
import type { AccessSettings } from "../../services/shared/nats/access.js";
import { parseNatsUrl } from "../../services/shared/nats/address.js";
import { UserError } from "../../services/shared/errors.js";
import { newSeed, publicKeyOf } from "../../services/shared/nats/nkey.js";
import { tempFolder } from "../support/temp-folder.js";
import { PAST, TODAY, newAuthority, writerIn } from "../support/test-certificates.js";

const ADDRESS = parseNatsUrl("nats://nats.example.com");
const SECRET = newSeed();

describe("access to NATS", () => {
  const folder = tempFolder();
  const write = writerIn(folder.path);
  const files: Record<string, string> = {};
  before(async () => {
    const authority = await newAuthority();
    const other = await newAuthority(PAST);
    const request = { name: "test client", hosts: [], validity: TODAY };
    const pair = await authority.issue(request);
    files.ca = write("ca.pem", authority.certificate);
    files.oldCa = write("old-ca.pem", other.certificate);
    files.cert = write("client.pem", pair.certificate);
    files.key = write("client.key", pair.key);
    files.otherKey = write("other.key", (await authority.issue(request)).key);
    files.oldCert = write("old.pem", (await authority.issue({ ...request, validity: PAST })).certificate);
    files.seed = write("user.nk", `${SECRET}\n`);
    files.public = write("public.nk", publicKeyOf(SECRET));
    files.empty = write("empty", "\n");
    files.text = write("text", `hello ${SECRET}`);
    files.creds = write("user.creds", credsText({ exp: undefined }));
    files.oldCreds = write("old.creds", credsText({ exp: 1_700_000_000 }));
  });
  after(() => folder.remove());

  const refusals: readonly (readonly [what: string, settings: AccessSettings, sentence: RegExp])[] = [
    [
      "a key that is not there",
      { NATS_NKEY_FILE: "absent" },
      /^NATS_NKEY_FILE=".*absent": there is no such file$/,
    ],
    ["a folder", { NATS_NKEY_FILE: "." }, /^NATS_NKEY_FILE=".*": is a folder, must be a file$/],
    ["an empty file", { NATS_NKEY_FILE: "empty" }, /^NATS_NKEY_FILE=".*": is empty$/],
    ["a public key", { NATS_NKEY_FILE: "public" }, /: holds no seed of a user's nkey/],
    ["another text than a seed", { NATS_NKEY_FILE: "text" }, /: holds no seed of a user's nkey/],
    ["no credentials", { NATS_CREDS_FILE: "text" }, /^NATS_CREDS_FILE=".*": is no credentials file/],
    ["expired credentials", { NATS_CREDS_FILE: "oldCreds" }, /: holds a JWT that expired at 2023-11-14T/],
    ["a user without password", { NATS_USER: "ann" }, /^NATS_USER="ann": needs NATS_PASSWORD_FILE too$/],
    [
      "a password without user",
      { NATS_PASSWORD_FILE: "seed" },
      /^NATS_PASSWORD_FILE=".*": needs NATS_USER too$/,
    ],
    [
      "two identities",
      { NATS_NKEY_FILE: "seed", NATS_CREDS_FILE: "creds" },
      /^NATS_NKEY_FILE and NATS_CREDS_FILE: a connection has one user/,
    ],
    ["a CA that is none", { NATS_TLS_CA_FILE: "key" }, /^NATS_TLS_CA_FILE=".*": holds no certificate \(PEM/],
    ["an expired CA", { NATS_TLS_CA_FILE: "oldCa" }, /^NATS_TLS_CA_FILE=".*": the certificate expired at 2/],
    ["a certificate without key", { NATS_TLS_CERT_FILE: "cert" }, /needs NATS_TLS_KEY_FILE too$/],
    ["a key without certificate", { NATS_TLS_KEY_FILE: "key" }, /needs NATS_TLS_CERT_FILE too$/],
    [
      "a key that is none",
      { NATS_TLS_CERT_FILE: "cert", NATS_TLS_KEY_FILE: "text" },
      /^NATS_TLS_KEY_FILE=".*": holds no private key \(PEM/,
    ],
    [
      "the key of another certificate",
      { NATS_TLS_CERT_FILE: "cert", NATS_TLS_KEY_FILE: "otherKey" },
      /^NATS_TLS_KEY_FILE=".*": is not the key of the certificate in .*client\.pem$/,
    ],
    [
      "an expired certificate",
      { NATS_TLS_CERT_FILE: "oldCert", NATS_TLS_KEY_FILE: "key" },
      /^NATS_TLS_CERT_FILE=".*": the certificate expired at 2/,
    ],
  ];
  const named = (settings: AccessSettings): AccessSettings =>
    Object.fromEntries(
      Object.entries(settings).map(([setting, name]: [string, string]) => [
        setting,
        setting === "NATS_USER" || name === "." ? name : (files[name] ?? name),
      ]),
    );

  for (const [what, settings, sentence] of refusals) {
    it(`refuses ${what} in one sentence, without what the file holds`, () => {
      assert.throws(
        () => accessOptions(named(settings), ADDRESS),
        (thrown) => {
          assert.ok(thrown instanceof UserError);
          assert.match(thrown.message, sentence);
          assert.ok(!thrown.message.includes("\n") && !thrown.message.includes(SECRET));
          return true;
        },
      );
    });
  }

  it("refuses a user in NATS_URL beside another", () => {
    const address = parseNatsUrl("nats://ann:secret@h");
    assert.throws(() => accessOptions(named({ NATS_NKEY_FILE: "seed" }), address), {
      name: "UserError",
      message: /NATS_NKEY_FILE and a user in NATS_URL: a connection has one user/,
    });
  });

  it("takes a key, a certificate and an authority that are good", () => {
    const settings = { NATS_NKEY_FILE: "seed", NATS_TLS_CA_FILE: "ca" };
    const own = { NATS_TLS_CERT_FILE: "cert", NATS_TLS_KEY_FILE: "key" };
    const { tls } = accessOptions(named({ ...settings, ...own }), ADDRESS);

    assert.deepEqual([tls?.caFile, tls?.certFile, tls?.keyFile], [files.ca, files.cert, files.key]);
    assert.ok(accessOptions(named({ NATS_CREDS_FILE: "creds" }), ADDRESS).authenticator !== undefined);
  });

  it("reads a key again at each connection, and keeps the last good one", () => {
    const path = write("changing.nk", SECRET);
    const { authenticator } = accessOptions({ NATS_NKEY_FILE: path }, ADDRESS);
    assert.ok(typeof authenticator === "function");
    const publicKey = (): unknown => (authenticator("nonce") as { nkey?: string }).nkey;
    assert.equal(publicKey(), publicKeyOf(SECRET));

    const next = newSeed();
    write("changing.nk", next);
    assert.equal(publicKey(), publicKeyOf(next));
    write("changing.nk", "");
    assert.equal(publicKey(), publicKeyOf(next));
  });

  it("gives a password as its file has it, without the end of the line", () => {
    const path = write("password", "p ss\r\n");
    const { authenticator } = accessOptions({ NATS_USER: "ann", NATS_PASSWORD_FILE: path }, ADDRESS);

    assert.ok(typeof authenticator === "function");
    assert.deepEqual(authenticator(), { user: "ann", pass: "p ss" });
  });
});

function credsText(claims: object): string {
  const jwt = ["{}", JSON.stringify(claims), "x"]
    .map((part) => Buffer.from(part).toString("base64url"))
    .join(".");
  const block = (name: string, text: string): string =>
    `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`;
  return block("NATS USER JWT", jwt) + block("USER NKEY SEED", SECRET);
}
