import assert from "node:assert/strict";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { Tree } from "../../support/concourse/artifacts.js";
import { checkPipeline } from "../../support/concourse/check.js";
import { HOOKS } from "../../support/concourse/schema.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const repository: Tree = {
  artifact: "repo",
  read: (path) => (existsSync(join(root, path)) ? textOf(path) : undefined),
  isExecutable: (path) => {
    try {
      accessSync(join(root, path), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
};
const pipeline = textOf("ci/pipeline.yml");

describe("ci/pipeline.yml", () => {
  const { jobs, resources } = parse(pipeline, { merge: true }) as {
    jobs: readonly { readonly name: string }[];
    resources: readonly { readonly source: { readonly repository?: string; readonly tag?: string } }[];
  };

  it("has no mistake that the checker knows, and every file and input that its tasks name", () => {
    assert.deepEqual(checkPipeline(pipeline, repository), []);
  });

  it("says once a job how it ended, whichever way that is", () => {
    for (const job of jobs) {
      const hooks = HOOKS.filter((hook) => Object.hasOwn(job, hook));
      assert.deepEqual(hooks, ["on_success", "on_failure", "on_error", "on_abort"], job.name);
    }
  });

  it("builds, tries and pushes each image that build.sh builds", () => {
    const [, list = ""] = /^roles=\((.*)\)$/m.exec(textOf("build-push/build.sh")) ?? [];
    const roles = list.split(" ");
    assert.equal(roles.length, 4);
    for (const role of roles) {
      assert.match(
        pipeline,
        new RegExp(`params: \\{ TARGET: ${role} \\}\\n +output_mapping: \\{ image: ${role} \\}`),
      );
      assert.match(pipeline, new RegExp(`image: ${role}\\n +params: \\{ ROLE: ${role} \\}`));
      assert.match(pipeline, new RegExp(`put: ${role}-image\\n.*\\n +params: \\{ image: ${role}/image.tar`));
    }
  });

  it("takes node and NATS as the Dockerfile and docker-compose.yml do", () => {
    const images = resources.map(({ source: { repository = "", tag = "" } }) => `${repository}:${tag}`);
    const [, node = ""] = /^FROM (node:\S+) AS/m.exec(textOf("build-push/Dockerfile")) ?? [];
    const [, nats = ""] = /image: (nats:\S+)/.exec(textOf("docker-compose.yml")) ?? [];

    assert.ok(images.includes(node), node);
    assert.ok(images.includes(nats), nats);
  });

  it("asks for no variable that docs/concourse.md does not name, and the other way round", () => {
    const [, variables = ""] = textOf("docs/concourse.md").split("## Variables");
    const asked = new Set(Array.from(pipeline.matchAll(/\(\(([^)]+)\)\)/g), ([, name]) => name));
    const named = new Set(Array.from(variables.matchAll(/^\| `([^`]+)` /gm), ([, name]) => name));

    assert.deepEqual([...asked].sort(), [...named].sort());
  });
});
