/** `crunch streams`, where NATS is started at the same time. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readStreamsSettings } from "../../services/streams/config.js";
import { makeStreams } from "../../services/streams/streams.js";
import { withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";

describe("crunch streams", () => {
  let server: NatsServer;
  before(async () => (server = await NatsServer.start()));
  after(() => server.stop());

  it("does not wait for a server that does not answer, unless it is told to", async () => {
    const settings = readStreamsSettings({ NATS_URL: server.url });
    await server.terminate();

    await assert.rejects(
      makeStreams(settings, () => undefined),
      { name: "UserError", message: /the connection was refused/ },
    );
  });

  it("waits NATS_WAIT_MS for a server, then makes streams and durables", async () => {
    const settings = readStreamsSettings({ NATS_URL: server.url, NATS_WAIT_MS: "120000" });
    const notes: string[] = [];
    let restarted: Promise<void> | undefined;
    await makeStreams(settings, (line) => {
      notes.push(line);
      restarted ??= server.restart();
    });
    await restarted;

    assert.match(notes[0] ?? "", /the connection was refused; .*waiting for it$/);
    await withClient(server.url, async (nc) => {
      const jsm = await nc.jetstreamManager();
      assert.equal((await jsm.consumers.info("DATA", "crunch")).num_pending, 0);
      assert.equal((await jsm.consumers.info("RESULTS", "results")).num_pending, 0);
    });
  });

  it("waits for no server when what is wrong is something else", async () => {
    const env = { NATS_URL: server.url, NATS_WAIT_MS: "600000", NATS_NKEY_FILE: "absent.nk" };

    await assert.rejects(
      makeStreams(readStreamsSettings(env), () => undefined),
      { name: "UserError", message: /^NATS_NKEY_FILE="absent.nk": there is no such file/ },
    );
  });
});
