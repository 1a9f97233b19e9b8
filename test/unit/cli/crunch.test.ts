import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { addSettingOptions, withOptions } from "../../../services/cli/setting-options.js";
import { crunchSettings } from "../../../services/crunch-engine/config.js";
import { dataSettings } from "../../../services/data-engine/config.js";
import { resultsSettings } from "../../../services/results-engine/config.js";
import { runCrunch } from "../../support/engine-process.js";

describe("crunch on the command line", () => {
  const wrong: readonly { args: readonly string[]; says: RegExp }[] = [
    { args: ["dta"], says: /^unknown command 'dta'.*`crunch --help`/ },
    {
      args: ["up", "--sauce", "x"],
      says: /^unknown option '--sauce' \(Did you mean --source\?\); `crunch up --help`/,
    },
    { args: ["data", "--engines", "2"], says: /^unknown option '--engines'.*`crunch data --help`/ },
    { args: ["up", "--engines", "0"], says: /^--engines="0": must be a whole number from 1 to 64$/ },
    { args: ["up", "--engines", "1e1"], says: /^--engines="1e1": must be/ },
    { args: ["results", "extra"], says: /^too many arguments/ },
    { args: ["data", "--source"], says: /^option '--source <value>' argument missing/ },
    { args: ["health"], says: /^--url is needed/ },
    { args: ["health", "--url", "localhost"], says: /^--url="localhost": must look like/ },
  ];
  for (const { args, says } of wrong) {
    it(`refuses \`crunch ${args.join(" ")}\` with one sentence and exit code 2`, async () => {
      const { code, stdout, stderr } = await runCrunch(args, { env: { HTTP_PORT: "" } });

      assert.equal(code, 2, stderr);
      assert.match(stderr.trimEnd(), says);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
      assert.equal(stdout, "");
    });
  }

  it("lists its commands, and shows them to whoever gives none", async () => {
    const help = await runCrunch(["--help"]);
    const bare = await runCrunch([]);

    assert.equal(help.code, 0);
    for (const name of ["up", "data", "engine", "results", "parked", "health"]) {
      assert.match(help.stdout, new RegExp(`^  ${name} +\\S`, "m"));
    }
    assert.equal(bare.code, 2);
    assert.match(bare.stderr, /^Usage: crunch/);
  });

  it("tells its version", async () => {
    const { code, stdout } = await runCrunch(["--version"]);

    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  const commands = { data: dataSettings, engine: crunchSettings, results: resultsSettings };
  for (const [name, schema] of Object.entries(commands)) {
    it(`explains every setting in \`crunch ${name} --help\``, async () => {
      const { code, stdout } = await runCrunch([name, "--help"]);

      assert.equal(code, 0);
      for (const setting of Object.keys(schema.shape)) {
        const flag = `--${setting.toLowerCase().replaceAll("_", "-")} <value>`;
        assert.match(stdout, new RegExp(`^  ${flag} +\\w.*\\w`, "m"), setting);
      }
    });
  }

  it("asks an engine's health, and exits with 1 when it does not answer", async () => {
    const people = await runCrunch(["health", "--url", "http://127.0.0.1:9"]);
    const json = await runCrunch(["health", "--json"], { env: { HTTP_PORT: "9" } });

    assert.deepEqual([people.code, json.code], [1, 1]);
    assert.match(people.stdout, /^not ok {2}http {2}http:\/\/127\.0\.0\.1:9\/readyz: /);
    assert.equal((JSON.parse(json.lastLine) as { ok: boolean }).ok, false);
  });
});

describe("options named like settings", () => {
  it("go over the environment, and what is not given stays", () => {
    const command = addSettingOptions(new Command("x"), dataSettings);
    command.parse(["--nats-url", "nats://here:1", "--drain-ms", "-5"], { from: "user" });

    assert.deepEqual(withOptions({ NATS_URL: "nats://there:2", SOURCE: "nothing" }, command, dataSettings), {
      NATS_URL: "nats://here:1",
      SOURCE: "nothing",
      DRAIN_MS: "-5",
    });
  });
});
