import * as z from "zod";
import { UserError } from "./errors.js";

/** The environment as a process sees it. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads settings from the environment into one complete object.
 * An empty value counts as unset, as in a compose file with `NAME=`.
 *
 * @throws UserError that lists every problem, each with the setting, its value and its limit.
 */
export function readSettings<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Env,
): z.output<z.ZodObject<Shape>> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = env[name];
    if (value !== undefined && value !== "") given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? "settings");
    const value = given[name];
    return `${name}${value === undefined ? "" : `="${value}"`}: ${issue.message}`;
  });
  throw new UserError(problems);
}

/** An integer setting with its unit in the name of the setting. */
export function integerSetting(limits: { min: number; max: number; default: number; about: string }) {
  const range = `must be a whole number from ${String(limits.min)} to ${String(limits.max)}`;
  return z
    .string()
    .regex(/^-?\d+$/, range)
    .transform(Number)
    .refine((value) => value >= limits.min && value <= limits.max, range)
    .default(limits.default)
    .describe(limits.about);
}

/** A text setting with a default. */
export function textSetting(options: { default: string; about: string }) {
  return z.string().default(options.default).describe(options.about);
}

/** A text setting that may be absent. */
export function optionalTextSetting(about: string) {
  return z.string().optional().describe(about);
}

/** Where spans are sent to. */
function collectorSetting(about: string) {
  return z
    .string()
    .refine(
      (value) => /^https?:\/\//.test(value) && URL.canParse(value),
      "must be an address like http://127.0.0.1:4318",
    )
    .optional()
    .describe(about);
}

const SAMPLERS = ["always_on", "always_off", "traceidratio"] as const;
const PARENT_BASED = ["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] as const;

/** The names and values are OpenTelemetry's own. */
const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorSetting(
    "Collector of traces (OTLP over HTTP): /v1/traces is added. Without it nothing is traced",
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorSetting("Collector of traces with its path; comes first"),
  OTEL_TRACES_SAMPLER: z
    .enum([...SAMPLERS, ...PARENT_BASED], {
      error: `must be one of ${[...SAMPLERS, ...PARENT_BASED].join(", ")}`,
    })
    .default("parentbased_traceidratio")
    .describe(
      "Which traces are recorded; `parentbased_`: those that a client records, and a share of the others",
    ),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?|\.\d+)$/, "must be a number from 0 to 1")
    .transform(Number)
    .default(0.01)
    .describe("That share of the frames, and of the singles without a trace, from 0 to 1"),
};

/** How every program reaches NATS. Secrets are in files, never in a setting. */
export const natsSettings = {
  NATS_URL: textSetting({ default: "nats://127.0.0.1:4222", about: "NATS servers, separated by commas" }),
  NATS_NKEY_FILE: optionalTextSetting("File with the seed of the NATS user's nkey"),
  NATS_CREDS_FILE: optionalTextSetting("File with the NATS user's credentials: a JWT and a seed"),
  NATS_USER: optionalTextSetting("Name of the NATS user, with NATS_PASSWORD_FILE"),
  NATS_PASSWORD_FILE: optionalTextSetting("File with the password of NATS_USER"),
  NATS_TLS_CA_FILE: optionalTextSetting(
    "File (PEM) with the authority that the NATS servers' certificates are from; demands TLS",
  ),
  NATS_TLS_CERT_FILE: optionalTextSetting("File (PEM) with the certificate shown to NATS, for mutual TLS"),
  NATS_TLS_KEY_FILE: optionalTextSetting("File (PEM) with the private key of NATS_TLS_CERT_FILE"),
  NAMESPACE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, "must be 1 to 32 letters, digits, - or _")
    .optional()
    .describe("Prefix of every subject and stream, so that several pipelines share one NATS"),
};

/** What every engine reads. Spread into the schema of each engine. */
export const commonSettings = {
  ...natsSettings,
  STREAM_REPLICAS: integerSetting({
    min: 1,
    max: 5,
    default: 1,
    about: "Copies that JetStream keeps of each stream; 3 survives the loss of a server",
  }),
  STREAM_MAX_BYTES: integerSetting({
    min: 1_048_576,
    max: 2 ** 43,
    default: 1_073_741_824,
    about: "Size of each stream in bytes; a full stream pushes back on the source",
  }),
  RESEND_AFTER_MS: integerSetting({
    min: 1_000,
    max: 3_600_000,
    default: 30_000,
    about: "T: a message not settled for this long is delivered again (ack wait), in milliseconds",
  }),
  HTTP_PORT: integerSetting({
    min: 0,
    max: 65_535,
    default: 0,
    about: "Port of /metrics, /livez and /readyz; 0 takes any free port, named in the start line",
  }),
  HTTP_HOST: textSetting({ default: "127.0.0.1", about: "Address that HTTP_PORT listens on" }),
  DRAIN_MS: integerSetting({
    min: 100,
    max: 3_600_000,
    default: 20_000,
    about: "Longest time between SIGTERM and exit, in milliseconds",
  }),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal"], {
      error: "must be one of trace, debug, info, warn, error, fatal",
    })
    .default("info")
    .describe("Least severe log line that is written"),
  LOG_FORMAT: z
    .enum(["pretty", "json"], { error: "must be pretty or json" })
    .optional()
    .describe("Log lines for people (pretty) or programs (json). Default: pretty on a terminal, else json"),
  ...traceSettings,
};

/** The settings above, read. */
export type CommonSettings = z.output<z.ZodObject<typeof commonSettings>>;
