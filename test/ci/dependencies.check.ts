/** What the product is built on: no package with a known weakness, and no licence that asks for more than a notice. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const ALLOWED = new Set([
  "MIT",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "0BSD",
  "Unlicense",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "Python-2.0",
]);
const AUDIT_TIMEOUT_MS = 120_000;

interface Package {
  readonly license?: string;
  readonly dev?: boolean;
}

interface Audit {
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
  readonly message?: string;
}

/** What is shipped; tools of development stay with us. */
function refusedLicences(packages: Readonly<Record<string, Package>>): string[] {
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .filter(([, { license = "" }]) => !isAllowed(license))
    .map(([path, { license = "none named" }]) => `${path}: ${license}`);
}

/** An SPDX expression: all of what AND joins, one of what OR joins. */
function isAllowed(expression: string): boolean {
  const alternatives = expression.replace(/[()]/g, "").split(" OR ");
  return alternatives.some((each) => each.split(" AND ").every((licence) => ALLOWED.has(licence)));
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  packages: Record<string, Package>;
};
assert.deepEqual(refusedLicences({ ...packages, planted: { license: "GPL-3.0-only" } }), [
  "planted: GPL-3.0-only",
]);
assert.deepEqual(refusedLicences(packages), []);
const shipped = Object.values(packages).filter(({ dev }) => dev !== true).length - 1;
process.stdout.write(`${String(shipped)} packages are shipped, all of licences that ask for a notice only\n`);

const audit = spawnSync("npm", ["audit", "--omit=dev", "--audit-level=high", "--json"], {
  encoding: "utf8",
  timeout: AUDIT_TIMEOUT_MS,
});
const { vulnerabilities, message = "no answer" } = answerOf(audit.stdout);
if (vulnerabilities === undefined) {
  process.stdout.write(`skipped: npm audit: the registry does not answer it (${message})\n`);
  process.stdout.write("1 passed, 0 failed\n");
} else {
  const grave = Object.entries(vulnerabilities).filter(([, { severity }]) =>
    ["high", "critical"].includes(severity),
  );
  assert.deepEqual(
    grave.map(([name, { severity, range }]) => `${name} ${range}: ${severity}`),
    [],
    "packages with a known weakness",
  );
  process.stdout.write("npm audit knows no weakness of level high or critical\n2 passed, 0 failed\n");
}

function answerOf(stdout: string): Audit {
  try {
    return JSON.parse(stdout) as Audit;
  } catch {
    return {};
  }
}
