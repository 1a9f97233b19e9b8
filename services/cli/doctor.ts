import { Command } from "commander";
import { crunchSettings } from "../crunch-engine/config.js";
import { dataSettings } from "../data-engine/config.js";
import { readAllSettings } from "../local/all-settings.js";
import { resultsSettings } from "../results-engine/config.js";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

const schema = { shape: { ...dataSettings.shape, ...crunchSettings.shape, ...resultsSettings.shape } };

/** `crunch doctor`: what would go wrong, before anything starts. */
export function command(env: Env, exit: (code: number) => void): Command {
  const doctor = new Command("doctor")
    .description(
      "Checks settings, source, cruncher, sink, NATS server, streams, clocks and disks before anything starts, " +
        "and explains what it finds. Changes nothing.",
    )
    .option("--monitoring-url <url>", "monitoring port of the NATS server (default: port 8222 of its host)")
    .option("--strict", "exit with 1 on warnings too")
    .option("--json", "print the findings as one line of JSON")
    .addHelpText("after", "\nExit codes: 0 nothing is wrong, 1 an error was found, 2 unreadable settings.");
  return addSettingOptions(doctor, schema).action(
    async (options: { monitoringUrl?: string; strict?: true; json?: true }) => {
      const url = options.monitoringUrl;
      if (url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : "")) {
        throw new UserError(`--monitoring-url="${url}": must look like http://HOST:PORT`);
      }
      const given = withOptions(env, doctor, schema);
      const settings = readAllSettings(given);
      const { diagnose } = await import("../doctor/doctor.js");
      const { findingsJson, findingsText, isHealthy } = await import("../doctor/report.js");
      const findings = await diagnose({
        settings,
        isNatsUrlGiven: (given.NATS_URL ?? "") !== "",
        monitoringUrl: url,
        cwd: process.cwd(),
      });
      const isStrict = options.strict === true;
      process.stdout.write(options.json === true ? findingsJson(findings, isStrict) : findingsText(findings));
      exit(isHealthy(findings, isStrict) ? 0 : 1);
    },
  );
}
