/**
 * What Marathon's API v2 takes as an app or a group: types, ranges and the names of all fields, so that a
 * mistyped one is found. Rules between fields are in `rules/`. Fields and limits are those of Marathon's own
 * description of `PUT /v2/apps` and `PUT /v2/groups`, version 1.7 and newer, the deprecated ones too.
 */
import * as z from "zod";

const LABEL = /^([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])$/;
const PORT_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

const pathId = z
  .string()
  .refine(
    isPathId,
    "must be a path of lower-case letters, digits, dashes and dots, such as /data-crunch/app",
  );
const count = z.int().min(0).max(2_147_483_647);
const seconds = count;
const port = z.int().min(0).max(65_535);
const portName = z.string().max(63).regex(PORT_NAME, "must be lower-case letters, digits and dashes");
const labels = z.record(z.string(), z.string());
const amount = z.number().min(0);
const share = z.number().min(0).max(1);
const protocol = z.enum(["tcp", "udp", "udp,tcp"]);

const portMapping = z.strictObject({
  containerPort: port.optional(),
  hostPort: port.optional(),
  servicePort: port.optional(),
  protocol: protocol.optional(),
  name: portName.optional(),
  labels: labels.optional(),
  networkNames: z.array(z.string()).optional(),
});

const container = z.strictObject({
  type: z.enum(["DOCKER", "MESOS"]).optional(),
  docker: z
    .strictObject({
      image: z.string().min(1),
      forcePullImage: z.boolean().optional(),
      privileged: z.boolean().optional(),
      parameters: z.array(z.strictObject({ key: z.string().min(1), value: z.string() })).optional(),
      pullConfig: z.strictObject({ secret: z.string().min(1) }).optional(),
      network: z.enum(["BRIDGE", "HOST", "NONE", "USER"]).optional(),
      portMappings: z.array(portMapping).optional(),
    })
    .optional(),
  portMappings: z.array(portMapping).optional(),
  linuxInfo: z.record(z.string(), z.unknown()).optional(),
  volumes: z
    .array(
      z.strictObject({
        containerPath: z.string().min(1),
        hostPath: z.string().min(1).optional(),
        mode: z.enum(["RO", "RW"]).optional(),
        persistent: z.record(z.string(), z.unknown()).optional(),
        external: z.record(z.string(), z.unknown()).optional(),
        secret: z.string().min(1).optional(),
      }),
    )
    .optional(),
});

const healthCheck = z.strictObject({
  protocol: z
    .enum(["HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"])
    .default("HTTP"),
  path: z.string().optional(),
  command: z.strictObject({ value: z.string().min(1) }).optional(),
  port: port.min(1).optional(),
  portIndex: count.optional(),
  gracePeriodSeconds: seconds.optional(),
  intervalSeconds: seconds.optional(),
  timeoutSeconds: seconds.optional(),
  delaySeconds: seconds.optional(),
  maxConsecutiveFailures: count.optional(),
  ignoreHttp1xx: z.boolean().optional(),
  ipProtocol: z.enum(["IPv4", "IPv6"]).optional(),
});

const readinessCheck = z.strictObject({
  name: portName.optional(),
  protocol: z.enum(["HTTP", "HTTPS"]).optional(),
  path: z.string().min(1).optional(),
  portName: portName.default("http-api"),
  intervalSeconds: seconds.min(1).default(30),
  timeoutSeconds: seconds.min(1).default(10),
  httpStatusCodesForReady: z.array(z.int().min(100).max(999)).min(1).optional(),
  preserveLastResponse: z.boolean().optional(),
});

/** More than is asked for, at most. */
const limit = z.union([amount, z.literal("unlimited")]).optional();

const app = z.strictObject({
  id: pathId,
  instances: count.default(1),
  cpus: z.number().min(0.001).default(1),
  mem: amount.default(128),
  disk: amount.optional(),
  gpus: count.optional(),
  resourceLimits: z.strictObject({ cpus: limit, mem: limit }).optional(),
  cmd: z.string().min(1).optional(),
  args: z.array(z.string()).optional(),
  user: z.string().optional(),
  env: z
    .record(z.string().min(1), z.union([z.string(), z.strictObject({ secret: z.string().min(1) })]))
    .optional(),
  secrets: z.record(z.string().min(1), z.strictObject({ source: z.string().min(1) })).optional(),
  labels: labels.optional(),
  container: container.optional(),
  networks: z
    .array(
      z.strictObject({
        mode: z.enum(["host", "container", "container/bridge"]).default("container"),
        name: z.string().min(1).optional(),
        labels: labels.optional(),
      }),
    )
    .optional(),
  portDefinitions: z
    .array(
      z.strictObject({
        port: port.optional(),
        protocol: protocol.optional(),
        name: portName.optional(),
        labels: labels.optional(),
      }),
    )
    .optional(),
  requirePorts: z.boolean().optional(),
  fetch: z
    .array(
      z.strictObject({
        uri: z.string().min(1),
        extract: z.boolean().optional(),
        executable: z.boolean().optional(),
        cache: z.boolean().optional(),
        destPath: z.string().optional(),
      }),
    )
    .optional(),
  healthChecks: z.array(healthCheck).optional(),
  readinessChecks: z.array(readinessCheck).max(1).optional(),
  upgradeStrategy: z.strictObject({ minimumHealthCapacity: share, maximumOverCapacity: share }).optional(),
  backoffSeconds: seconds.optional(),
  backoffFactor: z.number().min(1).optional(),
  maxLaunchDelaySeconds: seconds.optional(),
  constraints: z
    .array(
      z
        .tuple([
          z.string().min(1),
          z.enum(["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"]),
        ])
        .rest(z.string()),
    )
    .optional(),
  dependencies: z.array(pathId).optional(),
  killSelection: z.enum(["YOUNGEST_FIRST", "OLDEST_FIRST"]).optional(),
  taskKillGracePeriodSeconds: seconds.optional(),
  unreachableStrategy: z
    .union([
      z.literal("disabled"),
      z.strictObject({ inactiveAfterSeconds: seconds.optional(), expungeAfterSeconds: seconds.optional() }),
    ])
    .optional(),
  acceptedResourceRoles: z.array(z.string()).optional(),
  role: z.string().min(1).optional(),
  tty: z.boolean().optional(),
  uris: z.array(z.string()).optional(),
  ports: z.array(port).optional(),
  residency: z.record(z.string(), z.unknown()).optional(),
});

const groupItself = z.strictObject({
  id: pathId,
  apps: z.array(app).default([]),
  dependencies: z.array(pathId).optional(),
  enforceRole: z.boolean().optional(),
});

/** One app as a file has it. */
export type App = z.output<typeof app>;
/** A group as a file has it: apps and groups that are deployed as one. */
export interface Group extends z.output<typeof groupItself> {
  groups: Group[];
}
export type PortMapping = z.output<typeof portMapping>;

// Its type is written out: one that is inferred from itself is `any` or not, as files are read in this or that order.
const group: z.ZodType<Group> = groupItself.safeExtend({
  get groups() {
    return z.array(group).default([]);
  },
});

/** The app, or every problem with its place in the file. */
export function readApp(json: unknown): App | readonly string[] {
  return resultOf(app.safeParse(json));
}

/** The group, or every problem with its place in the file. */
export function readGroup(json: unknown): Group | readonly string[] {
  return resultOf(group.safeParse(json));
}

function resultOf<T>(parsed: z.ZodSafeParseResult<T>): T | readonly string[] {
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => `${placeOf(path)}: ${message}`);
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "the file" : path.map(String).join(".");
}

function isPathId(text: string): boolean {
  const segments = text.replace(/^\//, "").replace(/\/$/, "").split("/");
  return segments.every(
    (segment) =>
      segment === ".." || segment === "." || segment.split(".").every((label) => LABEL.test(label)),
  );
}
