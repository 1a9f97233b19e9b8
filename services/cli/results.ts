import { resultsSettings } from "../results-engine/config.js";
import { engineCommand } from "./engine-command.js";

export const command = engineCommand(
  "results",
  "Writes results to SINK",
  resultsSettings,
  () => import("../results-engine/main.js"),
);
