/** nats-server out of Debian's own package, by the real apt: needs the distribution's mirror. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unpackDistributionPackage } from "../../services/local/nats-server-package.js";
import { messageOf } from "../../services/shared/errors.js";
import { tempFolder } from "../support/temp-folder.js";

const folder = tempFolder();
// What apt sees on a machine that has never fetched its package lists.
const noLists = join(folder.path, "no-lists.conf");
writeFileSync(noLists, `Dir::State::lists "${join(folder.path, "no-lists")}";\n`);
const cases = { "package lists of the system": {}, "no package lists": { APT_CONFIG: noLists } };

let failed = 0;
for (const [name, env] of Object.entries(cases)) {
  const target = join(folder.path, name.replaceAll(" ", "-"));
  mkdirSync(target);
  try {
    const path = await unpackDistributionPackage(target, { ...process.env, ...env });
    const { status, stdout, stderr } = spawnSync(path, ["--version"], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    process.stdout.write(`${name}: ok, ${stdout.trim()}\n`);
  } catch (thrown) {
    failed += 1;
    process.stdout.write(`${name}: ${messageOf(thrown)}\n`);
  }
}
folder.remove();
process.stdout.write(`${String(Object.keys(cases).length - failed)} passed, ${String(failed)} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
