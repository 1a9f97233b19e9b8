import { crunchSettings } from "../crunch-engine/config.js";
import { engineCommand } from "./engine-command.js";

export const command = engineCommand(
  "engine",
  "Crunches published records on all cores with CRUNCHER",
  crunchSettings,
  async (env) => {
    const { main } = await import("../crunch-engine/main.js");
    return main(env);
  },
);
