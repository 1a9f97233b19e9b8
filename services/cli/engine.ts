import { crunchSettings } from "../crunch-engine/config.js";
import { engineCommand } from "./engine-command.js";

export const command = engineCommand(
  "engine",
  "Crunches published records on all cores with CRUNCHER",
  crunchSettings,
  () => import("../crunch-engine/main.js"),
);
