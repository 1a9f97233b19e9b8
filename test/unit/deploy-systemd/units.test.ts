import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { crunchSettings } from "../../../services/crunch-engine/config.js";
import { dataSettings, readDataSettings } from "../../../services/data-engine/config.js";
import { resultsSettings } from "../../../services/results-engine/config.js";

const root = new URL("../../../../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), "utf8");
const names = readdirSync(new URL("deploy-systemd", root)).filter((name) => name.endsWith(".service"));
const units = names.map((name) => ({ name, text: textOf(`deploy-systemd/${name}`) }));
const engines = units.filter(({ text }) => text.includes("/bin/crunch.js"));
const docs = textOf("docs/systemd.md");

/** The last value of a key, as systemd takes it. */
function valueOf(text: string, key: string): string {
  return Array.from(text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))).at(-1)?.[1] ?? "";
}

describe("the units of deploy-systemd", () => {
  it("are one for each service of docker-compose.yml that crunches, with its memory", () => {
    const { services } = parse(textOf("docker-compose.yml"), { merge: true }) as {
      services: Record<string, { mem_limit?: string } | undefined>;
    };
    for (const { name, text } of units) {
      const service = services[name.replace("data-crunch-", "").replace(".service", "")];
      assert.equal(valueOf(text, "MemoryMax").toLowerCase(), service?.mem_limit, name);
    }
    assert.equal(units.length, 4);
  });

  it("give an engine longer to end than it takes to drain", () => {
    const { DRAIN_MS: drainMs } = readDataSettings({});
    for (const { name, text } of engines) {
      const seconds = Number(/^(\d+)s$/.exec(valueOf(text, "TimeoutStopSec"))?.[1]);
      assert.ok(seconds * 1_000 > drainMs, `${name}: ${String(seconds)} s`);
    }
    assert.equal(engines.length, 3);
  });

  it("let only the engines make memory executable, which V8 needs", () => {
    for (const { name, text } of units) {
      const forbids = valueOf(text, "MemoryDenyWriteExecute");
      assert.equal(forbids, name === "data-crunch-nats.service" ? "yes" : "", name);
    }
    assert.doesNotMatch(
      textOf("deploy-systemd/data-crunch-.service.d/confined.conf"),
      /MemoryDenyWriteExecute/,
    );
  });

  it("have a port each, and the memory and time that the page about them says", () => {
    const ports = engines.map(({ text }) => /HTTP_PORT=(\d+)/.exec(text)?.[1]);
    assert.equal(new Set(ports).size, engines.length);
    for (const { name, text } of units) {
      const port = /HTTP_PORT=(\d+)/.exec(text)?.[1] ?? "4222";
      const gibibytes = valueOf(text, "MemoryMax").replace("G", " GiB");
      const seconds = valueOf(text, "TimeoutStopSec").replace("s", " s");
      const row =
        docs.split("\n").find((line) => line.startsWith(`| \`${name.replace(".service", "")}\``)) ?? "";
      const cells = row.split("|").map((cell) => cell.trim());
      assert.deepEqual(cells.slice(2, -1), [port, gibibytes, seconds], name);
    }
  });

  it("come with settings that the engines have", () => {
    const known = [dataSettings, crunchSettings, resultsSettings].flatMap(({ shape }) => Object.keys(shape));
    const given = Array.from(
      textOf("deploy-systemd/data-crunch.env").matchAll(/^([A-Z_]+)=/gm),
      ([, name]) => name,
    );
    assert.ok(given.length > 0);
    for (const name of given) assert.ok(known.includes(name ?? ""), `${String(name)} is no setting`);
  });
});
