/** A sink of mode load whose spool outlives it. */
import type { TestContext } from "node:test";
import type { Fixture } from "./bigquery-fixture.js";
import { openFixture } from "./bigquery-fixture.js";
import { tempFolder } from "./temp-folder.js";

/** Requests of load jobs, for faults. */
export const START = { on: { method: "POST", path: /^jobs$/ } };
export const LOOK = { on: { method: "GET", path: /^jobs\// } };

export interface LoadFixture extends Fixture {
  readonly folder: string;
  /** Ends the sink and opens another on the same table and spool, as after a restart. */
  readonly reopen: () => Promise<Fixture>;
}

/** @param params of the URI, each with its `&` */
export async function openLoad(t: TestContext, params = ""): Promise<LoadFixture> {
  const temp = tempFolder();
  t.after(() => temp.remove());
  const uri = `bigquery:p/d/t?mode=load&spool=${temp.path}${params}`;
  const fixture = await openFixture(t, { uri });
  return {
    ...fixture,
    folder: temp.path,
    reopen: async () => {
      await fixture.sink.close();
      const again = await openFixture(t, { uri, endpoint: fixture.fake.url });
      return { ...again, fake: fixture.fake, rows: fixture.rows, viewRows: fixture.viewRows };
    },
  };
}
