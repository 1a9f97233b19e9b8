import { Command } from "commander";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";
import { askHealth, healthTable } from "../local/health-check.js";

/** `crunch health`: exit 0 when the engine is ready, 1 when it is not. */
export function command(env: Env, exit: (code: number) => void): Command {
  return new Command("health")
    .description("Asks an engine's /readyz: exit 0 when it is ready, 1 when it is not")
    .option("--url <url>", "address of the engine (default: http://127.0.0.1:$HTTP_PORT)")
    .option("--json", "print the answer as JSON")
    .action(async (options: { url?: string; json?: true }) => {
      const port = env.HTTP_PORT ?? "";
      if (options.url === undefined && port === "") {
        throw new UserError("--url is needed: the start line of an engine names its httpPort");
      }
      const answer = await askHealth(options.url ?? `http://127.0.0.1:${port}`);
      process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : healthTable(answer));
      exit(answer.ok ? 0 : 1);
    });
}
