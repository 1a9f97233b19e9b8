/** What Marathon answers, as far as it is read here. */
import * as z from "zod";

const count = z.number().int().min(0).default(0);

const appAnswer = z.object({
  app: z.looseObject({
    id: z.string(),
    version: z.string(),
    versionInfo: z.object({ lastScalingAt: z.string().optional() }).optional(),
    instances: z.number().int(),
    tasksStaged: count,
    tasksRunning: count,
    tasksHealthy: count,
    tasksUnhealthy: count,
    tasks: z
      .array(
        z.object({ host: z.string(), ports: z.array(z.number()).default([]), state: z.string().optional() }),
      )
      .default([]),
    deployments: z.array(z.object({ id: z.string() })).default([]),
    lastTaskFailure: z
      .object({
        state: z.string().default(""),
        message: z.string().default(""),
        host: z.string().default(""),
        timestamp: z.string().default(""),
        version: z.string().default(""),
      })
      .nullish(),
  }),
});
const groupAnswer = z.object({ id: z.string(), version: z.string() });
const deploymentAnswer = z.object({ version: z.string(), deploymentId: z.string() });
/** Marathon says `action` for a deployment that runs and `type` for one that would. */
const action = z
  .object({ action: z.string().optional(), type: z.string().optional(), app: z.string().default("") })
  .transform(({ action: doing, type, app }) => ({ what: doing ?? type ?? "", app }));
const planAnswer = z.object({ steps: z.array(z.object({ actions: z.array(action).default([]) })) });
const deploymentsAnswer = z.array(
  z.object({
    id: z.string(),
    currentStep: count,
    totalSteps: count,
    currentActions: z.array(action).default([]),
  }),
);
const errorAnswer = z.object({
  message: z.string().default(""),
  /** 409 */
  deployments: z.array(z.object({ id: z.string() })).default([]),
  /** 422, and 400 for JSON of another shape; some problems come as texts. */
  details: z
    .array(z.object({ path: z.string().default(""), errors: z.array(z.unknown()).default([]) }))
    .default([])
    .catch([]),
});

export type RunningApp = z.output<typeof appAnswer>["app"];
export type StartedDeployment = z.output<typeof deploymentAnswer>;
export type RunningDeployment = z.output<typeof deploymentsAnswer>[number];
export type Plan = z.output<typeof planAnswer>;
export type Refusal = z.output<typeof errorAnswer>;

export const answers = {
  app: appAnswer,
  group: groupAnswer,
  started: deploymentAnswer,
  plan: planAnswer,
  deployments: deploymentsAnswer,
  error: errorAnswer,
};

/** Reads one kind of answer; undefined when it is another one. */
export interface AnswerReader<T> {
  safeParse(json: unknown): { readonly data?: T | undefined };
}
