/** Everything that reads a setting, made harmless: nothing outside of one folder is opened or made. */
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import type { ZodRawShape } from "zod";
import { crunchSettings, readCrunchSettings } from "../../services/crunch-engine/config.js";
import { loadCruncher } from "../../services/crunch-engine/crunchers/index.js";
import { dataSettings, readDataSettings } from "../../services/data-engine/config.js";
import { openSource } from "../../services/data-engine/sources/index.js";
import { readUpSettings } from "../../services/local/up-settings.js";
import { readResultsSettings, resultsSettings } from "../../services/results-engine/config.js";
import { parseBigQueryUri } from "../../services/results-engine/sinks/bigquery/uri.js";
import { openSink } from "../../services/results-engine/sinks/index.js";
import type { Env } from "../../services/shared/config.js";
import { parseNatsUrl } from "../../services/shared/nats/address.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";

export interface SettingReader {
  readonly setting: string;
  /** True if plug-in URIs are what it reads. */
  readonly isUri: boolean;
  /** Asked once in so many times. */
  readonly seldom: number;
  /** @throws what the product throws */
  read(text: string): unknown;
}

const SINK_CONTEXT = { lateAfterMs: 1_000, runId: "fuzz", warn: () => undefined };

export function readersOf(folder: string): readonly SettingReader[] {
  const csv = join(folder, "rows.csv");
  writeFileSync(csv, "n,value,label\n1,10,one\n2,20,two\n");
  return [
    ...environment(dataSettings.shape, readDataSettings),
    ...environment(crunchSettings.shape, readCrunchSettings),
    ...environment(resultsSettings.shape, readResultsSettings),
    ...environment({ ...dataSettings.shape, ...crunchSettings.shape }, readUpSettings),
    { setting: "NATS_URL", isUri: false, seldom: 1, read: parseNatsUrl },
    { setting: "SOURCE", isUri: true, seldom: 1, read: (text) => parsePluginUri("SOURCE", text) },
    { setting: "SOURCE", isUri: true, seldom: 1, read: readSource },
    { setting: "SOURCE", isUri: false, seldom: 40, read: (text) => openFile(`${folder}/${escaped(text)}`) },
    {
      setting: "SOURCE",
      isUri: false,
      seldom: 80,
      read: (text) => openFile(`${csv}?data=${escaped(harmless(text))}`),
    },
    {
      setting: "SOURCE",
      isUri: false,
      seldom: 80,
      read: (text) => openFile(`${csv}?data=n&delim=${escaped(text)}`),
    },
    {
      setting: "SOURCE",
      isUri: false,
      seldom: 80,
      read: (text) => openFile(`${csv}?data=n&format=${escaped(text)}`),
    },
    { setting: "SINK", isUri: true, seldom: 1, read: readSink },
    { setting: "SINK", isUri: false, seldom: 1, read: (text) => readSink(`bigquery:${text}`) },
    { setting: "SINK", isUri: false, seldom: 400, read: (text) => openTable(folder, text) },
    { setting: "CRUNCHER", isUri: false, seldom: 1, read: readCruncher },
  ];
}

/** One reader for each setting of an engine, which gets the text as its value. */
function environment(shape: ZodRawShape, read: (env: Env) => unknown): SettingReader[] {
  return Object.keys(shape).map((setting) => ({
    setting,
    isUri: false,
    seldom: 3,
    read: (text) => read({ [setting]: text }),
  }));
}

/** Opens every source but files, which other readers do with paths that are known to be harmless. */
async function readSource(text: string): Promise<void> {
  if (text.startsWith("file:")) {
    parsePluginUri("SOURCE", text);
    return;
  }
  await (await openSource(text, { lingerMs: 10 })).close();
}

async function openFile(address: string): Promise<void> {
  await (await openSource(`file:${address}`, { lingerMs: 10 })).close();
}

/** Reads the address of a sink; opens it only where there is no such sink. */
async function readSink(text: string): Promise<void> {
  if (/^(?:duckdb|bigquery):/.test(text)) {
    const uri = parsePluginUri("SINK", text);
    if (uri.scheme === "bigquery") parseBigQueryUri(uri, undefined);
    return;
  }
  await openSink(text, SINK_CONTEXT);
}

/** A table of any name in a file of its own. */
async function openTable(folder: string, name: string): Promise<void> {
  const sink = await openSink(`duckdb:${join(folder, "fuzz.duckdb")}?table=${escaped(name)}`, SINK_CONTEXT);
  await sink.close();
}

/** Loads no file that is there. */
async function readCruncher(text: string): Promise<void> {
  if (!existsSync(resolve(text))) await loadCruncher(text);
}

/** Unknown words and no semicolon: an expression that is SQL by chance can do nothing. */
function harmless(text: string): string {
  return text.replace(/[a-z]{3,}|;/gi, "n").slice(0, 2_000);
}

function escaped(text: string): string {
  return text.toWellFormed().replaceAll(/[%&?]/g, encodeURIComponent).replaceAll(sep, "%2F");
}
