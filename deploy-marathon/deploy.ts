/** `deploy-marathon/deploy.sh`: app.json, group.json or a file of your own, to Marathon. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { addSettingOptions, withOptions } from "../services/cli/setting-options.js";
import type { Env } from "../services/shared/config.js";
import { UserError, messageOf } from "../services/shared/errors.js";
import { VERSION } from "../services/shared/product.js";
import { checkFile } from "./definition/check.js";
import type { CheckedFile } from "./definition/check.js";
import { wallClock } from "./clock.js";
import { marathonAddress, readMarathonAccess } from "./config.js";
import { deploy } from "./deploying/deployment.js";
import type { DeployOutcome } from "./deploying/deployment.js";
import { dryRun } from "./deploying/dry-run.js";
import { Marathon } from "./api/marathon.js";
import { EXIT_CODE_HELP, runCommand, stopSignal } from "./run-command.js";
import { fillIn } from "./definition/template.js";

const MAX_TIMEOUT_MS = 86_400_000;
const HELP = `
The file is checked first. \${NAME} in it is taken from the environment:
  IMAGE_PREFIX  registry and folder of the images, as for build-push/push.sh (default: data-crunch)
  IMAGE_TAG     tag of the images (default: ${VERSION}, which is what build-push/push.sh pushes)
  NATS_URL      the NATS servers, as the engines see them
  SINK          where rows end, such as bigquery:PROJECT/DATASET/TABLE
  others        SOURCE, CRUNCHER, RUN_ID, RESULTS_HOST, ... : see the file

Credentials for Marathon, from the environment only:
  MARATHON_USER, MARATHON_PASSWORD   basic authentication
  MARATHON_TOKEN                     a token of DC/OS

Exit codes:
  0  deployed
  1  it failed, and what was before runs again
${EXIT_CODE_HELP}
  5  it failed, and so did the way back, or --no-rollback left it
  6  interrupted; Marathon goes on`;

const EXIT_CODES: Readonly<Record<DeployOutcome, number>> = {
  deployed: 0,
  "rolled-back": 1,
  failed: 5,
  stuck: 5,
  left: 6,
};

interface Options {
  readonly print?: true;
  readonly dryRun?: true;
  readonly force?: true;
  readonly keepInstances?: true;
  readonly rollback: boolean;
  readonly timeoutMs: string;
}

let exitCode = 0;
const command = addSettingOptions(
  new Command("deploy.sh")
    .description("Deploys the engines to Marathon, waits until they are well, and goes back if they are not.")
    .argument("[file]", "an app or a group (default: group.json beside this script)")
    .option("--print", "print the file, filled in and checked, and ask Marathon nothing")
    .option("--dry-run", "say what Marathon would do, and change nothing")
    .option("--force", "end a deployment that is in progress: for one that is broken")
    .option(
      "--keep-instances",
      "leave the number of instances of what runs as it is: for apps that are scaled",
    )
    .option("--no-rollback", "leave a failed deployment as it is, to look at it")
    .option(
      "--timeout-ms <ms>",
      "longest that a deployment may take, and its way back, in milliseconds",
      "600000",
    ),
  marathonAddress,
).addHelpText("after", HELP);
command.action(async (file: string | undefined) => {
  exitCode = await run(file, command.opts<Options>(), withOptions(process.env, command, marathonAddress));
});
process.exitCode = await runCommand(command, process.argv.slice(2), () => exitCode);

async function run(path: string | undefined, options: Options, env: Env): Promise<number> {
  const timeoutMs = readTimeout(options.timeoutMs);
  const file = readFile(path ?? ownFile("group.json"), env);
  if (options.print === true) {
    process.stdout.write(`${JSON.stringify(file.body, null, 2)}\n`);
    return 0;
  }
  const marathon = new Marathon(readMarathonAccess(env));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const keepsInstances = options.keepInstances === true;
  if (options.dryRun === true) {
    for (const line of await dryRun(file, keepsInstances, marathon)) say(line);
    return 0;
  }
  const outcome = await deploy(
    file,
    { isForced: options.force === true, keepsInstances, rollsBack: options.rollback, timeoutMs },
    { marathon, clock: wallClock, say, signal: stopSignal() },
  );
  return EXIT_CODES[outcome];
}

function readFile(path: string, env: Env): CheckedFile {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (thrown) {
    throw new UserError(
      `${path}: ${thrown instanceof SyntaxError ? "is no JSON" : "cannot be read"}: ${messageOf(thrown)}`,
    );
  }
  const tag = env.IMAGE_TAG ?? "";
  return checkFile(fillIn(json, { ...env, IMAGE_TAG: tag === "" ? VERSION : tag }), path);
}

function readTimeout(text: string): number {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (ms >= 1 && ms <= MAX_TIMEOUT_MS) return ms;
  throw new UserError(`--timeout-ms="${text}": must be a whole number from 1 to ${String(MAX_TIMEOUT_MS)}`);
}

/** The compiled program lies in dist/deploy-marathon, its files in deploy-marathon. */
function ownFile(name: string): string {
  return fileURLToPath(new URL(`../../deploy-marathon/${name}`, import.meta.url));
}
