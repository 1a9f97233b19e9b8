import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFile } from "../../../deploy-marathon/definition/check.js";
import { problemsOf } from "../../support/problems.js";

const app = (more: object = {}): Record<string, unknown> => ({ id: "/trial", cmd: "true", ...more });
const problems = (json: unknown): readonly string[] => problemsOf(() => checkFile(json, "trial.json"));

describe("checkFile", () => {
  it("finds a mistyped field, with its place", () => {
    assert.match(problems(app({ instnces: 2 }))[0] ?? "", /trial\.json: the file: .*instnces/);
    assert.match(
      problems(app({ container: { docker: { image: "a", portmappings: [] } } }))[0] ?? "",
      /container\.docker: .*portmappings/,
    );
  });

  it("finds values outside of their range, all at once", () => {
    const found = problems(
      app({
        id: "/Trial",
        cpus: 0,
        instances: -1,
        upgradeStrategy: { minimumHealthCapacity: 2 },
        env: { N: 3 },
      }),
    );

    for (const place of ["id", "cpus", "instances", "upgradeStrategy.minimumHealthCapacity", "env.N"]) {
      assert.ok(
        found.some((problem) => problem.startsWith(`trial.json: ${place}: `)),
        place,
      );
    }
    assert.ok(found.some((problem) => problem.includes("upgradeStrategy.maximumOverCapacity")));
  });

  it("takes a file with apps or groups for a group, and names its apps absolutely", () => {
    const { kind, id, apps } = checkFile({ id: "group", apps: [app({ id: "one" })] }, "trial.json");

    assert.deepEqual([kind, id, apps.map((each) => each.id)], ["group", "/group", ["/group/one"]]);
  });

  it("refuses what is no object", () => {
    assert.match(problems([app()])[0] ?? "", /must be a JSON object/);
  });

  it("refuses the same app twice", () => {
    const apps = [app({ id: "one" }), app({ id: "/group/one" })];

    assert.match(problems({ id: "/group", apps })[0] ?? "", /app "\/group\/one": must be there once/);
  });

  it("refuses a dependency on what the group does not have, but not one on another group", () => {
    const missing = [app({ id: "one", dependencies: ["two"] })];
    const elsewhere = [app({ id: "one", dependencies: ["/nats/server"] })];

    assert.match(
      problems({ id: "/group", apps: missing })[0] ?? "",
      /"\/group\/two": must be an app or a group/,
    );
    assert.deepEqual(problems({ id: "/group", apps: elsewhere }), []);
  });

  it("refuses dependencies that lead in a circle", () => {
    const apps = [
      app({ id: "one", dependencies: ["two"] }),
      app({ id: "two", dependencies: ["/group/three"] }),
      app({ id: "three", dependencies: ["one"] }),
    ];

    assert.equal(
      problems({ id: "/group", apps }).filter((each) => each.includes("must not lead back")).length,
      3,
    );
  });

  it("takes long ids in time that grows with their length", () => {
    const id = `/${"a-".repeat(20_000)}/`;

    assert.match(problems(app({ id }))[0] ?? "", /must be a path/);
  });
});
