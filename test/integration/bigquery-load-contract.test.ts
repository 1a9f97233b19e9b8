import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { openBigQuerySink } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { sinkContract } from "../contract/sink-contract.js";
import { tempFolder } from "../support/temp-folder.js";

sinkContract("BigQuery by load jobs", async () => {
  const fake = await FakeBigQuery.start();
  const temp = tempFolder();
  return {
    countsRepeats: false,
    open: (lateAfterMs) => {
      const context = { lateAfterMs, runId: "run", warn: () => undefined };
      const uri = parsePluginUri("SINK", `bigquery:p/d/t?mode=load&spool=${temp.path}`);
      return openBigQuerySink(uri, context, { endpoint: fake.url });
    },
    rows: () =>
      Promise.resolve(
        fake.viewRows("d", "t").map((row) => ({
          ID: BigInt(String(row.ID)),
          Data: BigInt(String(row.Data)),
          Meta: String(row.Meta),
          RData: BigInt(String(row.RData)),
          Late: row.Late === true,
        })),
      ),
    remove: async () => {
      await fake.close();
      temp.remove();
    },
  };
});
