import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { APPEND_MODES, idsOf, numbered, openFixture } from "../support/bigquery-fixture.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

for (const mode of APPEND_MODES) {
  describe(`BigQuery down, mode=${mode}`, () => {
    it("gone and back: nothing parked, nothing lost, rows flow with the next try", async (t) => {
      const first = await FakeBigQuery.start({ writePort: 0 });
      t.after(() => first.close());
      const { fake, sink, rows, clock, warnings, write } = await openFixture(t, {
        mode,
        writeEndpoint: () => first.write.url,
      });
      // Here the tables are those of the fixture; the appends go to whoever listens on the port.
      const port = Number(new URL(first.write.url).port);
      first.write.close();
      let wasOk = true;
      clock.onWait = async (count) => {
        wasOk &&= sink.state().ok;
        if (count === 8) await fake.serveWrites(port);
      };

      const outcome = await write(numbered(500));

      assert.deepEqual([outcome.stored, outcome.rejected.length, rows().length], [500, 0, 500]);
      assert.deepEqual([wasOk, sink.state().ok, warnings.length], [false, true, 1]);
      assert.equal(clock.waits.length, 8);
    });

    it("a link that swallows everything: the next append takes a new connection", async (t) => {
      const fake = await FakeBigQuery.start({ writePort: 0 });
      t.after(() => fake.close());
      const proxy = await TcpProxy.start(Number(new URL(fake.write.url).port));
      t.after(() => proxy.close());
      const { clock, write } = await openFixture(t, {
        mode,
        endpoint: fake.url,
        writeEndpoint: () => `http://127.0.0.1:${String(proxy.port)}`,
      });
      await write(numbered(1));

      proxy.blackhole();
      const writing = write([{ id: 2n }]);
      await until(() => clock.openDeadlines === 1);
      proxy.heal();
      clock.expireDeadlines();
      const outcome = await writing;

      assert.equal(outcome.stored, 1);
      assert.deepEqual(idsOf(fake.rows("d", "t")), [1, 2]);
    });

    it("a connection reset in the middle of a request: everything goes in all the same", async (t) => {
      const fake = await FakeBigQuery.start({ writePort: 0 });
      t.after(() => fake.close());
      const proxy = await TcpProxy.start(Number(new URL(fake.write.url).port));
      t.after(() => proxy.close());
      const { write } = await openFixture(t, {
        mode,
        endpoint: fake.url,
        writeEndpoint: () => `http://127.0.0.1:${String(proxy.port)}`,
      });

      proxy.cutAfter(20_000);
      const outcome = await write(numbered(2_000));

      assert.deepEqual([outcome.stored, outcome.rejected.length], [2_000, 0]);
      assert.deepEqual(
        idsOf(fake.rows("d", "t")),
        numbered(2_000).map(({ id }) => Number(id)),
      );
    });
  });
}
