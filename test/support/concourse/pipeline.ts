/** A pipeline of Concourse as the rules see it: read, and walked step by step. */
import { parse } from "yaml";
import { HOOKS, pipelineFile } from "./schema.js";
import type { TaskFile } from "./schema.js";

/** The schema has checked which of these go together. */
export interface Step {
  readonly get?: string;
  readonly put?: string;
  readonly task?: string;
  readonly set_pipeline?: string;
  readonly load_var?: string;
  readonly in_parallel?: readonly Step[] | { readonly steps: readonly Step[] };
  readonly do?: readonly Step[];
  readonly try?: Step;
  readonly resource?: string;
  readonly passed?: readonly string[];
  readonly inputs?: "all" | "detect" | readonly string[];
  readonly no_get?: boolean;
  readonly file?: string;
  readonly config?: TaskFile;
  readonly image?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly input_mapping?: Readonly<Record<string, string>>;
  readonly output_mapping?: Readonly<Record<string, string>>;
  readonly on_success?: Step;
  readonly on_failure?: Step;
  readonly on_error?: Step;
  readonly on_abort?: Step;
  readonly ensure?: Step;
}

export interface Job extends Pick<Step, (typeof HOOKS)[number]> {
  readonly name: string;
  readonly plan: readonly Step[];
}

export interface Resource {
  readonly name: string;
  readonly type: string;
  readonly source: Readonly<Record<string, unknown>>;
}

export interface Pipeline {
  readonly resource_types: readonly Resource[];
  readonly resources: readonly Resource[];
  readonly jobs: readonly Job[];
  readonly groups: readonly { readonly name: string; readonly jobs: readonly string[] }[];
}

/** @returns the pipeline, or one sentence for each key that is wrong */
export function readPipeline(text: string): Pipeline | string[] {
  // Concourse's reader also understands merge keys.
  const read = pipelineFile.safeParse(parse(text, { merge: true }));
  if (read.success) return read.data as unknown as Pipeline;
  return read.error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`);
}

export function stepsIn({ in_parallel: parallel }: Step): readonly Step[] {
  if (parallel === undefined) return [];
  return "steps" in parallel ? parallel.steps : parallel;
}

/** Every step of a job, with those inside others and those of hooks. */
export function stepsOf(job: Job): Step[] {
  return [...job.plan, ...hooksOf(job)].flatMap(withInner);
}

export function hooksOf(owner: Pick<Step, (typeof HOOKS)[number]>): Step[] {
  return HOOKS.flatMap((hook) => owner[hook] ?? []);
}

function withInner(step: Step): Step[] {
  const inner = [...stepsIn(step), ...(step.do ?? []), ...(step.try === undefined ? [] : [step.try])];
  return [step, ...[...inner, ...hooksOf(step)].flatMap(withInner)];
}

/** The resource of a get or a put. */
export function resourceOf(step: Step): string | undefined {
  const name = step.get ?? step.put;
  return name === undefined ? undefined : (step.resource ?? name);
}
