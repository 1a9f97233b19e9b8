import { Command } from "commander";
import { natsConfigSettings, readNatsConfigSettings } from "../nats-config/config.js";
import type { Env } from "../shared/config.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

const DEFAULT_HOSTS = ["localhost", "127.0.0.1", "::1"];

/** `crunch nats-config`: users with least privilege, their keys, and certificates. */
export function command(env: Env, exit: (code: number) => void): Command {
  const made = addSettingOptions(
    new Command("nats-config")
      .description(
        "Writes what a NATS server needs to let each program do its own work and nothing else: a key for each " +
          "user, certificates, and the server's configuration. What is there already is kept.",
      )
      .requiredOption("--out <folder>", "where to write: server/ for the server, and a folder for each user")
      .option(
        "--host <name...>",
        "names and addresses that clients dial, for the server's certificate",
        DEFAULT_HOSTS,
      )
      .option("--no-tls", "make no certificates: connections are not encrypted")
      .option("--renew", "make new certificates and hand out their authority anew"),
    natsConfigSettings,
  );
  return made.action(async () => {
    const options: { out: string; host: string[]; tls: boolean; renew?: true } = made.opts();
    const { NAMESPACE: namespace } = readNatsConfigSettings(withOptions(env, made, natsConfigSettings));
    // Certificates take a library that nothing else needs.
    const { writeNatsConfig } = await import("../nats-config/nats-config.js");
    await writeNatsConfig({
      out: options.out,
      namespace,
      hosts: options.tls ? options.host : [],
      renew: options.renew === true,
      note: (line) => process.stdout.write(`${line}\n`),
    });
    exit(0);
  });
}
