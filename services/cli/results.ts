import { resultsSettings } from "../results-engine/config.js";
import { engineCommand } from "./engine-command.js";

export const command = engineCommand("results", "Writes results to SINK", resultsSettings, async (env) => {
  const { main } = await import("../results-engine/main.js");
  return main(env);
});
