import * as z from "zod";
import { crunchSettings } from "../../services/crunch-engine/config.js";
import { dataSettings } from "../../services/data-engine/config.js";
import { resultsSettings } from "../../services/results-engine/config.js";

const engines = [
  ["data", dataSettings],
  ["crunch", crunchSettings],
  ["results", resultsSettings],
] as const;

/** The settings of all engines as the README's Markdown table. */
export function settingsTable(): string {
  const rows = new Map<string, { engines: string[]; value: string; about: string }>();
  for (const [engine, schema] of engines) {
    for (const [name, setting] of Object.entries(schema.shape)) {
      const row = rows.get(name) ?? {
        engines: [],
        value: defaultOf(setting),
        about: z.globalRegistry.get(setting)?.description ?? "",
      };
      row.engines.push(engine);
      rows.set(name, row);
    }
  }
  const lines = [...rows].map(([name, row]) => {
    const of = row.engines.length === engines.length ? "all" : row.engines.join(", ");
    return `| \`${name}\` | ${of} | ${row.value === "" ? "" : `\`${row.value}\``} | ${row.about.replaceAll("|", "\\|")} |`;
  });
  return (
    ["| setting | engine | default | meaning |", "| --- | --- | --- | --- |", ...lines].join("\n") + "\n"
  );
}

function defaultOf(setting: z.ZodType): string {
  const parsed = setting.safeParse(undefined);
  return parsed.success && (typeof parsed.data === "string" || typeof parsed.data === "number")
    ? String(parsed.data)
    : "";
}
