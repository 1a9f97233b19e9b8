/** Which credentials the BigQuery sink uses, and that none of them ends in what it prints. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { openSink } from "../../services/results-engine/sinks/index.js";
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";

const SUBJECT_TOKEN = "the-token-of-the-workload";
const ACCESS_TOKEN = "the-token-for-bigquery";
const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
}) as string;

const folder = tempFolder();
/** Stands between the sink and the internet, and is where tokens are exchanged. Lets nothing through. */
const proxy = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    asked.push(`${request.url ?? ""} ${body}`);
    const issued = "urn:ietf:params:oauth:token-type:access_token";
    const token = { access_token: ACCESS_TOKEN, expires_in: 3_600, issued_token_type: issued };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...token, token_type: "Bearer" }));
  });
});
proxy.on("connect", ({ url }, socket) => {
  asked.push(`CONNECT ${url ?? ""}`);
  socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
});
let proxyUrl = "";
let asked: string[] = [];
before(async () => {
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  proxyUrl = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
});
after(() => {
  proxy.close();
  folder.remove();
});

function writeIn(name: string, text: string): string {
  const path = join(folder.path, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const serviceAccount = (key: string): string =>
  JSON.stringify({
    type: "service_account",
    project_id: "p",
    private_key_id: "the-id-of-the-key",
    private_key: key,
    client_email: "crunch@p.iam.gserviceaccount.com",
    client_id: "1",
  });

/** What a workload identity federation names itself by. */
const AUDIENCE = [
  "//iam.googleapis.com/projects/1/locations/global",
  "workloadIdentityPools/a/providers/b",
].join("/");

const workloadIdentity = (): string =>
  JSON.stringify({
    type: "external_account",
    audience: AUDIENCE,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `${proxyUrl}/token`,
    credential_source: { file: writeIn("subject-token", SUBJECT_TOKEN) },
  });

/** Runs a results-engine on BigQuery until it has found out that it cannot get there. */
async function run(env: Readonly<Record<string, string>>): Promise<{ output: string; asked: string[] }> {
  asked = [];
  const { code, stdout, stderr } = await runCrunch(["results", "--sink", "bigquery:p/d/t"], {
    env: {
      GOOGLE_APPLICATION_CREDENTIALS: "",
      HOME: join(folder.path, "nobody"),
      LOG_LEVEL: "trace",
      METADATA_SERVER_DETECTION: "none",
      HTTPS_PROXY: proxyUrl,
      https_proxy: proxyUrl,
      NO_PROXY: "127.0.0.1",
      no_proxy: "127.0.0.1",
      ...env,
    },
  });
  assert.equal(code, 2, stdout);
  return { output: `${stdout}${stderr}`, asked };
}

/** Pieces of the key as short as a parser quotes them; what is left out is the same in every key. */
const KEY_PIECES = KEY.split("\n").slice(2, -2).join("").match(/.{12}/g) ?? [];

function assertTellsNoSecret(output: string): void {
  for (const secret of [...KEY_PIECES, "PRIVATE KEY", "the-id-of-the-key", SUBJECT_TOKEN, ACCESS_TOKEN]) {
    assert.ok(!output.includes(secret), `"${secret}" is told in: ${output}`);
  }
  assert.match(output, /^SINK: BigQuery does not let us read datasets\/d\/tables\/t/m);
}

describe("credentials of the BigQuery sink", () => {
  it("are the key that GOOGLE_APPLICATION_CREDENTIALS names, which is never told", async () => {
    const path = writeIn("key.json", serviceAccount(KEY));

    const seen = await run({ GOOGLE_APPLICATION_CREDENTIALS: path });

    assert.ok(seen.asked.includes("CONNECT oauth2.googleapis.com:443"), seen.asked.join());
    assertTellsNoSecret(seen.output);
  });

  it("are not told either when the key cannot be read", async () => {
    const broken = [KEY, KEY.replaceAll("-", ""), serviceAccount(KEY.slice(100)), `{"private_key":"${KEY}"}`];
    for (const [index, text] of broken.entries()) {
      const path = writeIn(`broken-${String(index)}.json`, text);

      const { output } = await run({ GOOGLE_APPLICATION_CREDENTIALS: path });

      assertTellsNoSecret(output);
    }
  });

  it("are those of a workload identity, whose tokens are never told", async () => {
    const path = writeIn("workload.json", workloadIdentity());

    const seen = await run({ GOOGLE_APPLICATION_CREDENTIALS: path });

    assert.match(seen.asked[0] ?? "", new RegExp(`^/token .*subject_token=${SUBJECT_TOKEN}`));
    assert.ok(seen.asked.includes("CONNECT bigquery.googleapis.com:443"), seen.asked.join());
    assertTellsNoSecret(seen.output);
  });

  it("are the application default ones where nothing is set", async () => {
    writeIn("home/.config/gcloud/application_default_credentials.json", workloadIdentity());

    const seen = await run({ HOME: join(folder.path, "home") });

    assert.match(seen.asked[0] ?? "", new RegExp(`^/token .*subject_token=${SUBJECT_TOKEN}`));
    assertTellsNoSecret(seen.output);
  });

  it("are sent to no endpoint, which is warned of once", async (t) => {
    const fake = await FakeBigQuery.start();
    t.after(() => fake.close());
    asked = [];
    const outside = process.env.GOOGLE_APPLICATION_CREDENTIALS;
    process.env.GOOGLE_APPLICATION_CREDENTIALS = writeIn("workload.json", workloadIdentity());
    t.after(() => {
      if (outside === undefined) delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
      else process.env.GOOGLE_APPLICATION_CREDENTIALS = outside;
    });
    for (const mode of ["stream", "load"]) {
      const warnings: unknown[] = [];
      const spool = mode === "load" ? `&spool=${join(folder.path, "spool")}` : "";
      const sink = await openSink(`bigquery:p/d/t?mode=${mode}&endpoint=${fake.url}${spool}`, {
        lateAfterMs: 1_000,
        runId: "run",
        warn: (details, message) => void warnings.push([details.event, message]),
      });
      await sink.close();

      const text = `BigQuery is ${fake.url}: requests go there without credentials`;
      assert.deepEqual(warnings, [["sink_without_credentials", text]]);
    }

    assert.ok(fake.requests.length > 3);
    assert.ok(fake.requests.every(({ headers }) => headers.authorization === undefined));
    assert.deepEqual(asked, []);
  });
});
