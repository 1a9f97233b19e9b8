import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { writeNatsConfig } from "../../services/nats-config/nats-config.js";
import type { NatsConfigOptions } from "../../services/nats-config/nats-config.js";
import { publicKeyOf } from "../../services/shared/nats/nkey.js";
import { ROLES } from "../../services/shared/nats/roles.js";
import { tempFolder } from "../support/temp-folder.js";

const HOSTS = ["nats", "127.0.0.1"];

describe("crunch nats-config", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const run = (name: string, options: Partial<NatsConfigOptions> = {}): Promise<void> => {
    const out = join(folder.path, name);
    return writeNatsConfig({
      out,
      namespace: undefined,
      hosts: HOSTS,
      renew: false,
      note: () => undefined,
      ...options,
    });
  };
  const text = (path: string): string => readFileSync(join(folder.path, path), "utf8");
  const serial = (name: string): string =>
    new X509Certificate(text(`${name}/server/server.pem`)).serialNumber;

  it("gives each user a folder with a secret that only its owner may read", async () => {
    await run("a");

    for (const role of ROLES) {
      assert.deepEqual(readdirSync(join(folder.path, "a", role)).sort(), ["ca.pem", "default.nk"]);
      assert.equal(statSync(join(folder.path, "a", role, "default.nk")).mode & 0o777, 0o600);
      assert.ok(text("a/server/access.conf").includes(publicKeyOf(text(`a/${role}/default.nk`))));
      assert.ok(!text("a/server/access.conf").includes(text(`a/${role}/default.nk`).trim()));
    }
    assert.equal(statSync(join(folder.path, "a/server/server.key")).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(join(folder.path, "a/server")).sort(), [
      "access.conf",
      "ca.pem",
      "cluster.conf",
      "server.key",
      "server.pem",
    ]);
  });

  it("keeps keys and certificates that will do, and makes those that are missing", async () => {
    await run("b", { hosts: [...HOSTS, ...HOSTS] });
    const [key, before] = [text("b/client/default.nk"), serial("b")];
    rmSync(join(folder.path, "b/console/default.nk"));
    await run("b");

    assert.deepEqual([text("b/client/default.nk"), serial("b")], [key, before]);
    assert.ok(text("b/server/access.conf").includes(publicKeyOf(text("b/console/default.nk"))));
  });

  it("makes another certificate for other hosts, when one is asked for, and when a user or a server does not trust it", async () => {
    await run("c");
    const serials = [serial("c")];
    await run("c", { hosts: [...HOSTS, "nats-2"] });
    serials.push(serial("c"));
    await run("c", { hosts: [...HOSTS, "nats-2"], renew: true });
    serials.push(serial("c"));
    rmSync(join(folder.path, "c/status/ca.pem"));
    await run("c", { hosts: [...HOSTS, "nats-2"] });
    serials.push(serial("c"));
    rmSync(join(folder.path, "c/server/ca.pem"));
    await run("c", { hosts: [...HOSTS, "nats-2"] });
    serials.push(serial("c"));

    assert.equal(new Set(serials).size, 5);
    const certificate = new X509Certificate(text("c/server/server.pem"));
    assert.equal(certificate.subjectAltName, "DNS:nats, IP Address:127.0.0.1, DNS:nats-2");
    for (const role of ROLES) {
      assert.ok(certificate.verify(new X509Certificate(text(`c/${role}/ca.pem`)).publicKey));
    }
  });

  it("leaves no key of the authority behind", async () => {
    await run("d");

    const keys = readdirSync(join(folder.path, "d"), { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".key"),
    );
    assert.deepEqual(keys, [join("server", "server.key")]);
  });

  it("knows the users of every namespace of its folder, each with its own subjects only", async () => {
    await run("e", { namespace: "x", hosts: [] });
    await run("e", { namespace: "y", hosts: [] });

    const config = text("e/server/access.conf");
    assert.ok(!config.includes("tls {"));
    assert.equal(config.match(/nkey: U/g)?.length, 2 * ROLES.length);
    assert.ok(config.includes('"x.data.frame"') && config.includes('"y.data.frame"'));
    assert.ok(!config.includes('"data.frame"'));
  });

  it("refuses a folder that cannot be written and a namespace that would hide the keys without one", async () => {
    await assert.rejects(run("a/client/ca.pem"), {
      name: "UserError",
      message: /^--out=".*ca\.pem": ENOTDIR/,
    });
    await assert.rejects(run("f", { namespace: "default" }), {
      name: "UserError",
      message: /^NAMESPACE="default"/,
    });
  });
});
