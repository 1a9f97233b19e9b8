/**
 * Keys and types of a Concourse pipeline and of a task file, as Concourse's documentation and its own reader have them:
 * an unknown key is a mistake, at every level.
 */
import * as z from "zod";

/** Steps that do something; the rest of a step's keys say how. */
export const CORE_STEPS = [
  "get",
  "put",
  "task",
  "set_pipeline",
  "load_var",
  "in_parallel",
  "do",
  "try",
] as const;
export const HOOKS = ["on_success", "on_failure", "on_error", "on_abort", "ensure"] as const;

const identifier = z
  .string()
  .regex(/^[\p{Ll}\p{Lt}\p{Lm}\p{Lo}\d][\p{Ll}\p{Lt}\p{Lm}\p{Lo}\d\-_.]*$/u, "is no identifier")
  .refine((text) => /[^\d]/.test(text), "is only digits");
const path = z.string().min(1);
const variable = /^\(\(.+\)\)$/;
const duration = z
  .string()
  .refine((text) => variable.test(text) || /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(text), "is no duration");
const checkEvery = z.union([z.literal("never"), duration]);
const params = z.record(z.string(), z.unknown());
const tags = z.array(z.string());
const version = z.record(z.string(), z.string());

export const taskFile = z.strictObject({
  platform: z.string().min(1),
  image_resource: z
    .strictObject({
      type: z.string(),
      source: params,
      params: params.optional(),
      version: version.optional(),
    })
    .optional(),
  rootfs_uri: z.string().optional(),
  container_limits: z.strictObject({ cpu: z.number().optional(), memory: z.number().optional() }).optional(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  inputs: z
    .array(z.strictObject({ name: identifier, path: path.optional(), optional: z.boolean().optional() }))
    .optional(),
  outputs: z.array(z.strictObject({ name: identifier, path: path.optional() })).optional(),
  caches: z.array(z.strictObject({ path })).optional(),
  run: z.strictObject({
    path,
    args: z.array(z.string()).optional(),
    dir: path.optional(),
    user: z.string().optional(),
  }),
});
export type TaskFile = z.infer<typeof taskFile>;

const modifiers = {
  attempts: z.int().positive().optional(),
  timeout: duration.optional(),
  tags: tags.optional(),
  across: z
    .array(
      z.strictObject({
        var: identifier,
        values: z.unknown(),
        max_in_flight: z.union([z.literal("all"), z.int().positive()]).optional(),
      }),
    )
    .min(1)
    .optional(),
  fail_fast: z.boolean().optional(),
  ...Object.fromEntries(HOOKS.map((hook) => [hook, z.lazy(() => step).optional()])),
};

const steps = z.array(z.lazy(() => step));
const coreSteps: Readonly<Record<(typeof CORE_STEPS)[number], z.ZodType>> = {
  get: z.strictObject({
    ...modifiers,
    get: identifier,
    resource: identifier.optional(),
    version: z.union([z.enum(["latest", "every"]), version]).optional(),
    params: params.optional(),
    passed: z.array(identifier).optional(),
    trigger: z.boolean().optional(),
  }),
  put: z.strictObject({
    ...modifiers,
    put: identifier,
    resource: identifier.optional(),
    inputs: z.union([z.enum(["all", "detect"]), z.array(z.string())]).optional(),
    params: params.optional(),
    get_params: params.optional(),
    no_get: z.boolean().optional(),
  }),
  task: z.strictObject({
    ...modifiers,
    task: identifier,
    file: path.optional(),
    config: taskFile.optional(),
    image: identifier.optional(),
    privileged: z.boolean().optional(),
    hermetic: z.boolean().optional(),
    params: params.optional(),
    vars: params.optional(),
    container_limits: taskFile.shape.container_limits,
    input_mapping: z.record(z.string(), z.string()).optional(),
    output_mapping: z.record(z.string(), z.string()).optional(),
  }),
  set_pipeline: z.strictObject({
    ...modifiers,
    set_pipeline: identifier,
    file: path,
    team: z.string().optional(),
    vars: params.optional(),
    var_files: z.array(path).optional(),
    instance_vars: params.optional(),
  }),
  load_var: z.strictObject({
    ...modifiers,
    load_var: identifier,
    file: path,
    format: z.enum(["json", "yaml", "yml", "trim", "raw"]).optional(),
    reveal: z.boolean().optional(),
  }),
  in_parallel: z.strictObject({
    ...modifiers,
    in_parallel: z.union([
      steps,
      z.strictObject({ steps, limit: z.int().positive().optional(), fail_fast: z.boolean().optional() }),
    ]),
  }),
  do: z.strictObject({ ...modifiers, do: steps }),
  try: z.strictObject({ ...modifiers, try: z.lazy(() => step) }),
};

/** What a step may be depends on which of the core keys it has: exactly one. */
const step: z.ZodType = z.record(z.string(), z.unknown()).superRefine((raw, context) => {
  const kinds = CORE_STEPS.filter((kind) => kind in raw);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const message = `is ${kinds.length > 1 ? kinds.join(" and ") : "no step"}; it must be one of ${CORE_STEPS.join(", ")}`;
    context.addIssue({ code: "custom", message });
    return;
  }
  for (const { message, path: issuePath } of coreSteps[kind].safeParse(raw).error?.issues ?? []) {
    context.addIssue({ code: "custom", message, path: issuePath });
  }
});

export const pipelineFile = z.strictObject({
  resource_types: z
    .array(
      z.strictObject({
        name: identifier,
        type: z.string().min(1),
        source: params,
        privileged: z.boolean().optional(),
        params: params.optional(),
        check_every: checkEvery.optional(),
        tags: tags.optional(),
        defaults: params.optional(),
      }),
    )
    .default([]),
  resources: z
    .array(
      z.strictObject({
        name: identifier,
        type: z.string().min(1),
        source: params,
        old_name: z.string().optional(),
        icon: z.string().optional(),
        version: version.optional(),
        check_every: checkEvery.optional(),
        check_timeout: duration.optional(),
        expose_build_created_by: z.boolean().optional(),
        tags: tags.optional(),
        public: z.boolean().optional(),
        webhook_token: z.string().optional(),
      }),
    )
    .default([]),
  jobs: z
    .array(
      z.strictObject({
        name: identifier,
        plan: steps,
        old_name: z.string().optional(),
        serial: z.boolean().optional(),
        serial_groups: z.array(identifier).optional(),
        max_in_flight: z.int().positive().optional(),
        build_log_retention: z
          .strictObject({
            days: z.int().nonnegative().optional(),
            builds: z.int().nonnegative().optional(),
            minimum_succeeded_builds: z.int().nonnegative().optional(),
          })
          .optional(),
        public: z.boolean().optional(),
        disable_manual_trigger: z.boolean().optional(),
        interruptible: z.boolean().optional(),
        ...Object.fromEntries(HOOKS.map((hook) => [hook, z.lazy(() => step).optional()])),
      }),
    )
    .min(1, "a pipeline has at least one job"),
  groups: z.array(z.strictObject({ name: identifier, jobs: z.array(z.string()).default([]) })).default([]),
  var_sources: z.array(z.looseObject({ name: identifier, type: z.string() })).default([]),
  display: z.strictObject({ background_image: z.string().optional() }).optional(),
});
