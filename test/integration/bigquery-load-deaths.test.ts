/** A results-engine of mode load that is ended by kill -9 in a phase of a load job, and started again. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { MyResultFrameSchema, MyResultSchema } from "../../proto/gen/messages_pb.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import { LOAD_DEATHS, dieAt } from "../chaos/load-deaths.js";
import type { LoadDeath } from "../chaos/load-deaths.js";
import { importing } from "../chaos/trio.js";
import { CrunchProcess } from "../support/engine-process.js";
import { open } from "../support/lossless.js";
import { freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const DEADLINE_MS = 60_000;
const FRAME_RESULTS = 50;

/** What is left when an engine has died: files of the spool, and jobs that BigQuery has. */
interface Remains {
  readonly rows: number;
  readonly notes: number;
  readonly jobs: number;
  readonly isLoaded: boolean;
}

const NOTHING: Remains = { rows: 0, notes: 0, jobs: 0, isLoaded: false };
/** So that each test is about the phase that it names. */
const REMAINS: Readonly<Record<LoadDeath, Remains>> = {
  "dies-spooling": NOTHING,
  "dies-spooled": { ...NOTHING, rows: 1 },
  "dies-batch-written": { ...NOTHING, rows: 1, notes: 1 },
  "dies-before-job": { ...NOTHING, rows: 1, notes: 1 },
  "dies-reply-lost": { ...NOTHING, rows: 1, notes: 1, jobs: 1 },
  "dies-job-running": { ...NOTHING, rows: 1, notes: 1, jobs: 1 },
  "dies-job-done": { ...NOTHING, rows: 1, notes: 1, jobs: 1 },
  "dies-unacked": { rows: 1, notes: 1, jobs: 1, isLoaded: true },
};

function remainsOf(spool: string, fake: FakeBigQuery): Remains {
  const files = readdirSync(spool);
  const notes = files.filter((name) => /^crunch_.*\.json$/.test(name));
  return {
    rows: files.filter((name) => name.endsWith(".ndjson")).length,
    notes: notes.length,
    jobs: fake.jobs.length,
    isLoaded: notes.some((name) => readFileSync(join(spool, name), "utf8").includes('"state":"loaded"')),
  };
}

/** Publishes results from ID `first` on: `frames` messages of many, then `singles` of one each. */
async function publish(
  { publisher }: NatsMessaging,
  { first, frames, singles }: { readonly first: number; readonly frames: number; readonly singles: number },
): Promise<void> {
  const seconds = BigInt(Math.floor(Date.now() / 1_000));
  const result = (id: number) => ({
    ID: BigInt(id),
    DTimeStamp: { seconds, nanos: 1_000 },
    ProcessTime: { seconds, nanos: 2_000 },
  });
  let id = first;
  for (let frame = 0; frame < frames; frame += 1) {
    const results = Array.from({ length: FRAME_RESULTS }, () => result(id++));
    const payload = toBinary(MyResultFrameSchema, create(MyResultFrameSchema, { results }));
    await publisher.publish({ subject: "results.frame", payload, messageId: `frame ${String(id)}` });
  }
  for (let single = 0; single < singles; single += 1) {
    const payload = toBinary(MyResultSchema, create(MyResultSchema, result(id++)));
    await publisher.publish({ subject: "results", payload, messageId: `single ${String(id)}` });
  }
}

describe("kill -9 of a results-engine of mode load", { concurrency: 2 }, () => {
  let server: NatsServer;
  before(async () => (server = await NatsServer.start()));
  after(() => server.stop());

  for (const death of LOAD_DEATHS) {
    it(`when it ${death.replaceAll("-", " ")}: each row is once in the table`, async (t) => {
      const folder = tempFolder();
      t.after(() => folder.remove());
      const fake = await FakeBigQuery.start({ keepsRequests: false });
      t.after(() => fake.close());
      const namespace = freshNamespace();
      const messaging = await open(t, server.url, { namespace });
      const deathFile = join(folder.path, "death");
      writeFileSync(deathFile, "");
      const start = async (): Promise<CrunchProcess> => {
        const env = {
          NATS_URL: server.url,
          NAMESPACE: namespace,
          SINK: "bigquery:p/d/t?mode=load&spool=spool",
          BIGQUERY_API_ENDPOINT: fake.url,
          BATCH_MAX_WAIT_MS: "500",
          RESEND_AFTER_MS: "2000",
          NODE_OPTIONS: importing("spool-deaths.js"),
          CHAOS_DEATH_FILE: deathFile,
        };
        const engine = new CrunchProcess(["results"], env, folder.path);
        t.after(() => engine.kill("SIGKILL"));
        await engine.started(DEADLINE_MS);
        return engine;
      };

      const first = await start();
      const dying = dieAt(
        death,
        { fake, deathFile, isDead: () => first.ended, kill: () => first.kill("SIGKILL") },
        DEADLINE_MS,
      );
      await publish(messaging, { first: 1, frames: 4, singles: 30 });
      assert.equal(await dying, true, first.stdout);
      const { signal } = await first.exited;
      assert.equal(signal, "SIGKILL");
      assert.deepEqual(remainsOf(join(folder.path, "spool"), fake), REMAINS[death]);

      // What comes again comes in other company, and the singles one by one before and behind it.
      fake.heal();
      await publish(messaging, { first: 1_000, frames: 1, singles: 30 });
      const second = await start();
      await publish(messaging, { first: 2_000, frames: 1, singles: 30 });
      const isSettled = async (): Promise<boolean> => {
        const { pendingMessages, unackedMessages } = await messaging.backlog("results");
        return pendingMessages + unackedMessages === 0;
      };
      await until(isSettled, DEADLINE_MS, "every message acked");
      second.kill("SIGTERM");
      assert.equal((await second.exited).code, 0, second.stdout);

      const range = (from: number, count: number): number[] =>
        Array.from({ length: count }, (_, index) => from + index);
      assert.deepEqual(
        fake
          .rows("d", "t")
          .map(({ ID }) => Number(ID))
          .sort((a, b) => a - b),
        [...range(1, 230), ...range(1_000, 80), ...range(2_000, 80)],
      );
    });
  }
});
