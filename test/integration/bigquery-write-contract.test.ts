import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { openBigQuerySink } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { sinkContract } from "../contract/sink-contract.js";
import { APPEND_MODES } from "../support/bigquery-fixture.js";

for (const mode of APPEND_MODES) {
  sinkContract(`BigQuery by ${mode}`, async () => {
    const fake = await FakeBigQuery.start({ writePort: 0 });
    // An upserted table has no row twice by itself, a written one only in the view.
    const rows = () => (mode === "upsert" ? fake.rows("d", "t") : fake.viewRows("d", "t"));
    return {
      countsRepeats: false,
      open: (lateAfterMs) => {
        const context = { lateAfterMs, runId: "run", warn: () => undefined };
        const address = `bigquery:p/d/t?mode=${mode}&write-endpoint=${fake.write.url}`;
        return openBigQuerySink(parsePluginUri("SINK", address), context, { endpoint: fake.url });
      },
      rows: () =>
        Promise.resolve(
          rows().map((row) => ({
            ID: BigInt(String(row.ID)),
            Data: BigInt(String(row.Data)),
            Meta: String(row.Meta),
            RData: BigInt(String(row.RData)),
            Late: row.Late === true,
          })),
        ),
      remove: () => fake.close(),
    };
  });
}
