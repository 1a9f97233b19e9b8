/**
 * Proof that the suite can fail: each rule that delivery rests on is broken in a copy of the compiled
 * product, and the run must then find a difference.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { UserError } from "../../services/shared/errors.js";
import { differencesIn } from "./oracle.js";
import type { RunReport } from "./run.js";

interface Mutation {
  /** Below `dist/services`. */
  readonly file: string;
  /** Text that is there exactly once, and what takes its place. */
  readonly find: string;
  readonly replace: string;
  /** A run that shows it. */
  readonly args: readonly string[];
}

/** Each cut of the data-engine's link loses the confirms on their way with it, in half of the cases there are some. */
const MANY_CUTS = ["--minutes", "1", "--only", "link-cut"];

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  // A message is acked before its results are stored, or its rows are.
  "result-before-ack": {
    file: "shared/settlement.js",
    find: "    void handled(handler, message).then(",
    replace: "    settler.ack();\n    void handled(handler, message).then(",
    args: ["--seed", "21", "--minutes", "0.7", "--only", "engine-sigkill,nats-sigkill"],
  },
  // Streams are not told the ids of messages.
  "dedupe-by-id": {
    file: "shared/nats/headers.js",
    find: '${line("Nats-Msg-Id", messageId)}',
    replace: "",
    args: ["--seed", "22", ...MANY_CUTS],
  },
  // A message that is sent again is another one.
  "retry-same-bytes": {
    file: "shared/nats/publisher.js",
    find: "sendMessage(this.#nc, pending);",
    replace: `const headers = pending.headers
                .replace("Nats-Msg-Id: ", "Nats-Msg-Id: " + String(pending.attempts) + "-");
            sendMessage(this.#nc, { ...pending, headers });`,
    args: ["--seed", "28", ...MANY_CUTS],
  },
  // An engine that is asked to stop acks what it holds before the rows of it are written.
  "drain-order": {
    file: "results-engine/batcher.js",
    find: "    drain() {\n",
    replace: "    drain() {\n        for (const held of this.#buffer.take()) held.resolve([]);\n",
    args: ["--seed", "24", "--minutes", "0.7", "--only", "engine-sigterm"],
  },
  // One bad record takes the whole frame with it.
  "park-alone": {
    file: "crunch-engine/pipeline.js",
    find: "const publishing = this.#results.publish(message, outcome, span);\n",
    replace: `if (outcome.failed.length > 0) throw new EngineError(outcome.failed[0].reason, "park", "the whole frame");
        const publishing = this.#results.publish(message, outcome, span);
`,
    args: ["--seed", "25", "--minutes", "0.3"],
  },
};

const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * Breaks one rule and runs the suite.
 *
 * @returns what the suite found
 * @throws UserError for an unknown name
 * @throws Error when the text to replace is not there exactly once
 */
export async function runMutation(name: string): Promise<{ found: number; examples: readonly string[] }> {
  const mutation = MUTATIONS[name];
  if (mutation === undefined) {
    throw new UserError(`--mutate="${name}": must be one of ${Object.keys(MUTATIONS).join(", ")}`);
  }
  const copy = mkdtempSync(join(tmpdir(), "crunch-mutation-"));
  try {
    for (const part of ["dist", "bin", "package.json"]) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    await unbundle(copy);
    patch(join(copy, "dist", "services", mutation.file), mutation);
    const report = await runCopy(copy, mutation.args);
    return { found: differencesIn(report.ledger), examples: report.ledger.examples };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Makes the command run the compiled sources, of which one is broken, instead of its bundle, which has none of them. */
async function unbundle(copy: string): Promise<void> {
  const entry = "services/cli/crunch";
  const source = readFileSync(join(root, `${entry}.ts`), "utf8");
  writeFileSync(join(copy, "dist", `${entry}.js`), (await transform(source, { loader: "ts" })).code);
}

function patch(path: string, { find, replace }: Mutation): void {
  const parts = readFileSync(path, "utf8").split(find);
  if (parts.length !== 2) throw new Error(`${path} has not exactly once: ${find}`);
  writeFileSync(path, parts.join(replace));
}

/** Runs the suite of the copy, whose logs are of no interest. */
async function runCopy(copy: string, args: readonly string[]): Promise<RunReport> {
  const child = spawn(process.execPath, [join(copy, "dist/test/chaos/chaos.js"), ...args, "--json"], {
    env: { ...process.env, TMPDIR: copy },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await new Promise<void>((resolve) => child.once("close", () => resolve()));
  return JSON.parse(output) as RunReport;
}
