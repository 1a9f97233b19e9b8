import { dataSettings } from "../data-engine/config.js";
import { engineCommand } from "./engine-command.js";

export const command = engineCommand(
  "data",
  "Reads records from SOURCE and publishes them in frames",
  dataSettings,
  () => import("../data-engine/main.js"),
);
