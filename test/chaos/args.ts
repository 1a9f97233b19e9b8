/** The command line of `npm run chaos`. */
import { parseArgs } from "node:util";
import { UserError, messageOf } from "../../services/shared/errors.js";
import { MUTATIONS } from "./mutations.js";
import { BIGQUERY_FAULTS, CLUSTER_FAULTS, FAULT_KINDS, LOAD_FAULTS, OUTAGES } from "./plan.js";
import type { FaultKind, OutageKind } from "./plan.js";
import { MAX_RECOVERY_MS } from "./report.js";
import { BIGQUERY_TABLE_MODES } from "./tables.js";
import type { BigQueryTableMode } from "./tables.js";
import { RESEND_AFTER_MS } from "./trio.js";

export interface ChaosArgs {
  readonly minutes: number;
  readonly seed: number;
  readonly rate: number;
  readonly sink: "duckdb" | "bigquery";
  /** How rows go into BigQuery. */
  readonly mode: BigQueryTableMode;
  readonly natsServer: string | undefined;
  readonly isCluster: boolean;
  readonly maxRecoveryMs: number;
  readonly only: readonly FaultKind[] | undefined;
  /** One outage for all the time in the place of bouts; undefined for bouts. */
  readonly outage: OutageKind | undefined;
  /** The rule to break; undefined for a run of the product as it is. */
  readonly mutation: string | undefined;
  readonly isPlan: boolean;
  readonly isJson: boolean;
  /** Set if help was asked for. */
  readonly helpText: string | undefined;
  /** Repeats the run. */
  readonly command: string;
}

/** A start of a job that gets no answer is given up after 30 s, and no other is under way meanwhile. */
const LOAD_MAX_RECOVERY_MS = 45_000;
/** Longer, and jobs would wait for their turn: BigQuery takes so many a day. */
const LOAD_MAX_MINUTES = 3;

const HELP = `npm run chaos -- [options]

Runs 1 data-engine, 3 crunch-engines and 1 or 2 results-engines over a real NATS, breaks them as the
seed says, and compares what is in the table and parked with what was confirmed to the producers.
RESEND_AFTER_MS=${String(RESEND_AFTER_MS)} throughout. Exit code 1 on one record of difference.

  --minutes M           how long faults happen (default 1)
  --seed S              chooses the records and the faults (default: by the clock)
  --sink S              duckdb (default), or bigquery: a fake one, with faults of its own
  --mode M              of bigquery: ${BIGQUERY_TABLE_MODES.join(", ")} (default stream)
  --rate N              records per second (default 1500)
  --cluster             three NATS servers with three copies of each stream; one at a time is broken
  --nats-server PATH    another nats-server than the one that crunch up takes
  --max-recovery-ms N   longest that rows may take to flow again (default ${String(MAX_RECOVERY_MS)};
                        load ${String(LOAD_MAX_RECOVERY_MS)})
  --only KIND,...       only faults of these kinds; --plan shows them
  --outage KIND         in their place BigQuery is away for all the time: ${OUTAGES.join(" (503) or ")} (its address
                        refuses connections)
  --mutate RULE         breaks a rule in a copy of the product and expects the suite to find it: ${Object.keys(MUTATIONS).join(", ")}
  --plan                print the first bouts of the seed and run nothing
  --json                the report as one line of JSON on stdout, the rest on stderr
`;

const OPTIONS = {
  minutes: { type: "string", default: "1" },
  seed: { type: "string" },
  sink: { type: "string", default: "duckdb" },
  mode: { type: "string", default: "stream" },
  rate: { type: "string", default: "1500" },
  "nats-server": { type: "string" },
  cluster: { type: "boolean", default: false },
  "max-recovery-ms": { type: "string" },
  only: { type: "string" },
  outage: { type: "string" },
  mutate: { type: "string" },
  plan: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** @throws UserError that names the option and its value */
export function readArgs(argv: readonly string[]): ChaosArgs {
  const values = parse(argv);
  const { sink } = values;
  if (sink !== "duckdb" && sink !== "bigquery") {
    throw new UserError(`--sink="${sink}": must be duckdb or bigquery`);
  }
  const mode = BIGQUERY_TABLE_MODES.find((one) => one === values.mode);
  if (mode === undefined || (mode !== "stream" && sink !== "bigquery")) {
    throw new UserError(
      `--mode="${values.mode}": must be one of ${BIGQUERY_TABLE_MODES.join(", ")}, and is for --sink bigquery`,
    );
  }
  const seed = numberOf("seed", values.seed ?? String(Date.now() % 1_000_000), { min: 1, max: 2 ** 32 - 1 });
  const minutes = numberOf("minutes", values.minutes, {
    min: 0.1,
    max: mode === "load" ? LOAD_MAX_MINUTES : 1_440,
  });
  const rate = numberOf("rate", values.rate, { min: 100, max: 20_000 });
  const recoveryMs =
    values["max-recovery-ms"] ?? String(mode === "load" ? LOAD_MAX_RECOVERY_MS : MAX_RECOVERY_MS);
  const only = values.only?.split(",").map((name) => kindOf(name, { sink, mode, isCluster: values.cluster }));
  const outage = values.outage === undefined ? undefined : outageOf(values.outage, sink);
  const natsServer = values["nats-server"];
  const options = [
    `--minutes ${String(minutes)} --seed ${String(seed)} --sink ${sink} --rate ${String(rate)}`,
    ...(mode === "stream" ? [] : [`--mode ${mode}`]),
    ...(values.cluster ? ["--cluster"] : []),
    ...(only === undefined ? [] : [`--only ${only.join(",")}`]),
    ...(outage === undefined ? [] : [`--outage ${outage}`]),
    ...(natsServer === undefined ? [] : [`--nats-server ${natsServer}`]),
  ];
  return {
    seed,
    minutes,
    rate,
    sink,
    mode,
    natsServer,
    isCluster: values.cluster,
    maxRecoveryMs: numberOf("max-recovery-ms", recoveryMs, { min: 1, max: 600_000 }),
    only,
    outage,
    mutation: values.mutate,
    isPlan: values.plan,
    isJson: values.json,
    helpText: values.help ? HELP : undefined,
    command: `npm run chaos -- ${options.join(" ")}`,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (thrown) {
    throw new UserError(`${messageOf(thrown)}; --help shows every option`);
  }
}

function numberOf(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (text !== "" && value >= min && value <= max) return value;
  throw new UserError(`--${name}="${text}": must be a number from ${String(min)} to ${String(max)}`);
}

/** @throws UserError for a kind that is none, or a sink that is never away */
function outageOf(name: string, sink: ChaosArgs["sink"]): OutageKind {
  const kind = OUTAGES.find((one) => one === name);
  if (kind !== undefined && sink === "bigquery") return kind;
  throw new UserError(`--outage="${name}": must be one of ${OUTAGES.join(", ")}, and is for --sink bigquery`);
}

/** @throws UserError for a kind that is none, or that this run cannot have */
function kindOf(
  name: string,
  { sink, mode, isCluster }: Pick<ChaosArgs, "sink" | "mode" | "isCluster">,
): FaultKind {
  const isElsewhere = (kind: FaultKind): boolean =>
    (sink !== "bigquery" && BIGQUERY_FAULTS.some((one) => one === kind)) ||
    (mode !== "load" && LOAD_FAULTS.some((one) => one === kind)) ||
    (!isCluster && CLUSTER_FAULTS.some((one) => one === kind));
  const kinds = FAULT_KINDS.filter((kind) => !isElsewhere(kind));
  const kind = kinds.find((one) => one === name);
  if (kind === undefined) throw new UserError(`--only="${name}": must be of ${kinds.join(", ")}`);
  return kind;
}
