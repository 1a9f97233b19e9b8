import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { askHealth, healthTable } from "../../../services/local/health-check.js";
import { HealthServer } from "../../../services/shared/health.js";
import { createMetrics } from "../../../services/shared/metrics.js";

describe("the health of an engine", () => {
  it("is what its /readyz says, ready or not", async () => {
    const server = new HealthServer(createMetrics("some-engine").registry);
    let isConnected = true;
    server.watch("nats", () => ({ ok: isConnected, detail: "connected to somewhere" }));
    const url = `http://127.0.0.1:${String(await server.listen("127.0.0.1", 0))}`;
    try {
      const nats = { ok: true, detail: "connected to somewhere" };
      assert.deepEqual(await askHealth(url), { ok: true, components: { nats } });
      isConnected = false;
      assert.deepEqual(await askHealth(`${url}/some/path`), {
        ok: false,
        components: { nats: { ...nats, ok: false } },
      });
    } finally {
      await server.close();
    }
  });

  it("is not ready when nobody answers, or somebody else does", async () => {
    const stranger = createServer((_, response) => response.end('{"hello":1}'));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${String((stranger.address() as AddressInfo).port)}`;

    assert.match((await askHealth(url)).components.http?.detail ?? "", /answers 200, but is no engine/);
    await new Promise((resolve) => stranger.close(resolve));
    const refused = await askHealth(url);
    assert.equal(refused.ok, false);
    assert.match(refused.components.http?.detail ?? "", /ECONNREFUSED/);
  });

  it("cannot be asked where there is no http address", async () => {
    for (const url of ["127.0.0.1:80", "nats://127.0.0.1:4222", ""]) {
      await assert.rejects(askHealth(url), {
        name: "UserError",
        message: `--url="${url}": must look like http://HOST:PORT`,
      });
    }
  });

  it("is one line a component for people", () => {
    const components = {
      nats: { ok: true, detail: "connected" },
      pipeline: { ok: false, detail: "paused: table is gone" },
    };

    assert.equal(
      healthTable({ ok: false, components }),
      "ok      nats      connected\nnot ok  pipeline  paused: table is gone\n",
    );
  });
});
