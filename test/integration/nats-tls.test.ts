/** Encrypted connections: what is refused, with which sentence, and what works. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Authority } from "../../services/nats-config/certificates.js";
import { UserError } from "../../services/shared/errors.js";
import type { AccessSettings } from "../../services/shared/nats/access.js";
import { newSeed } from "../../services/shared/nats/nkey.js";
import { connectTest, freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { SecuredNats } from "../support/secured-nats.js";
import { tempFolder } from "../support/temp-folder.js";
import { PAST, TODAY, newAuthority, tlsConfig, writerIn } from "../support/test-certificates.js";

describe("a connection to NATS", () => {
  const folder = tempFolder();
  const write = writerIn(folder.path);
  const servers: NatsServer[] = [];
  let authority: Authority;
  let caFile: string;
  before(async () => {
    authority = await newAuthority();
    caFile = write("ca.pem", authority.certificate);
  });
  after(async () => {
    for (const server of servers) await server.stop();
    folder.remove();
  });

  const serve = async (config: string): Promise<NatsServer> => {
    const server = await NatsServer.start({ config });
    servers.push(server);
    return server;
  };
  const withCertificate = async (
    name: string,
    hosts: readonly string[],
    validity = TODAY,
    clientCa?: string,
  ) => serve(tlsConfig(write, name, await authority.issue({ name, hosts, validity }), clientCa));
  const connects = async (url: string, access: AccessSettings): Promise<void> =>
    (await connectTest(url, { access, namespace: freshNamespace() })).close();
  const refuses = async (url: string, access: AccessSettings, sentence: RegExp): Promise<void> => {
    await assert.rejects(connects(url, access), (thrown) => {
      assert.ok(thrown instanceof UserError, String(thrown));
      assert.match(thrown.message, sentence);
      assert.ok(!thrown.message.includes("\n"));
      return true;
    });
  };

  it("is encrypted when the server's certificate is from the authority and for its name", async () => {
    const server = await withCertificate("good", ["localhost"]);

    await connects(`nats://localhost:${String(server.port)}`, { NATS_TLS_CA_FILE: caFile });
  });

  it("takes a certificate for an address in numbers, and none for another one", async () => {
    const server = await withCertificate("by-address", ["127.0.0.1"]);
    const other = await withCertificate("by-other-address", ["192.0.2.7", "nats.example.com"]);

    await connects(server.url, { NATS_TLS_CA_FILE: caFile });
    await refuses(
      other.url,
      { NATS_TLS_CA_FILE: caFile },
      /certificate is not for .* but for .*192\.0\.2\.7.*nats\.example\.com; NATS_URL must name one/,
    );
    await refuses(
      `nats://localhost:${String(other.port)}`,
      { NATS_TLS_CA_FILE: caFile },
      /certificate is not for localhost but for /,
    );
  });

  it("is refused when the authority is another one, or when none is named", async () => {
    const server = await withCertificate("other-authority", ["localhost"]);
    const url = `nats://localhost:${String(server.port)}`;
    const other = write("other-ca.pem", (await newAuthority()).certificate);

    await refuses(
      url,
      { NATS_TLS_CA_FILE: other },
      /authority that is not trusted here; NATS_TLS_CA_FILE must/,
    );
    await refuses(url, {}, /authority that is not trusted here; NATS_TLS_CA_FILE must/);
  });

  it("is refused when the server's certificate has expired", async () => {
    const server = await withCertificate("expired", ["localhost"], PAST);

    const url = `nats://localhost:${String(server.port)}`;
    await refuses(url, { NATS_TLS_CA_FILE: caFile }, /the server's certificate has expired/);
  });

  it("is refused when the server offers no TLS and it is asked for", async () => {
    const server = await serve("");

    await refuses(server.url, { NATS_TLS_CA_FILE: caFile }, /the server offers no TLS/);
    await refuses(server.url.replace("nats:", "tls:"), {}, /the server offers no TLS/);
  });

  it("shows a certificate where the server demands one, and says so where there is none", async () => {
    const server = await withCertificate("mutual", ["127.0.0.1"], TODAY, caFile);
    const issue = async (from: Authority, name: string): Promise<AccessSettings> => {
      const pair = await from.issue({ name, hosts: [], validity: TODAY });
      return {
        NATS_TLS_CA_FILE: caFile,
        NATS_TLS_CERT_FILE: write(`${name}.pem`, pair.certificate),
        NATS_TLS_KEY_FILE: write(`${name}.key`, pair.key),
      };
    };

    await connects(server.url, await issue(authority, "client"));
    const demand = /demands a certificate of its clients, or refuses this one; NATS_TLS_CERT_FILE/;
    await refuses(server.url, { NATS_TLS_CA_FILE: caFile }, demand);
    await refuses(server.url, await issue(await newAuthority(), "stranger"), demand);
  });

  it("is refused to a key that the server does not know", async () => {
    const nats = await SecuredNats.start();
    servers.push(nats.server);
    const NATS_NKEY_FILE = write("unknown.nk", newSeed());

    await refuses(
      nats.url,
      { NATS_NKEY_FILE },
      /the server refuses the user or password, nkey or credentials/,
    );
    await refuses(nats.url, {}, /the server refuses the user or password, nkey or credentials/);
    await nats.stop();
  });

  it("takes a password from a file", async () => {
    const server = await serve('authorization { user: ann, password: "open sesame" }\n');
    const right = write("right", "open sesame\n");

    await connects(server.url, { NATS_USER: "ann", NATS_PASSWORD_FILE: right });
    const wrong = write("wrong", "sesame\n");
    await refuses(server.url, { NATS_USER: "ann", NATS_PASSWORD_FILE: wrong }, /the server refuses the user/);
  });
});
