/**
 * What the steps of a job hand to each other: each file and each input must come from an earlier step. Concourse itself
 * finds these mistakes when the job runs, not before.
 */
import { parse } from "yaml";
import { hooksOf, stepsIn } from "./pipeline.js";
import type { Job, Step } from "./pipeline.js";
import { taskFile } from "./schema.js";
import type { TaskFile } from "./schema.js";

/** The repository that a pipeline lives in. */
export interface Tree {
  /** Name of the artifact that holds it. */
  readonly artifact: string;
  /** @returns the text of a file, undefined if there is none */
  read(path: string): string | undefined;
  isExecutable(path: string): boolean;
}

/** @returns one sentence for each mistake */
export function checkArtifacts(job: Job, tree: Tree): string[] {
  const walk = new Walk(`job ${job.name}`, tree);
  const ended = walk.inOrder(job.plan, new Set());
  for (const hook of hooksOf(job)) walk.step(hook, ended);
  return walk.mistakes;
}

class Walk {
  readonly mistakes: string[] = [];
  readonly #where: string;
  readonly #tree: Tree;

  constructor(where: string, tree: Tree) {
    this.#where = where;
    this.#tree = tree;
  }

  /** @returns the artifacts that there are after the steps */
  inOrder(steps: readonly Step[], before: ReadonlySet<string>): ReadonlySet<string> {
    return steps.reduce((artifacts, step) => this.step(step, artifacts), before);
  }

  step(step: Step, before: ReadonlySet<string>): ReadonlySet<string> {
    // Parallel steps do not see each other's artifacts.
    const parallel = stepsIn(step).flatMap((each) => [...this.step(each, before)]);
    const inner = this.inOrder([...(step.do ?? []), ...(step.try === undefined ? [] : [step.try])], before);
    const after = new Set([...before, ...parallel, ...inner, ...this.#leaves(step, before)]);
    for (const hook of hooksOf(step)) this.step(hook, after);
    return after;
  }

  #leaves(step: Step, artifacts: ReadonlySet<string>): readonly string[] {
    if (step.get !== undefined) return [step.get];
    if (step.put !== undefined) return this.#put(step.put, step, artifacts);
    if (step.task !== undefined) return this.#task(`task ${step.task}`, step, artifacts);
    if (step.file !== undefined) {
      this.#file(step.set_pipeline === undefined ? "load_var" : "set_pipeline", step.file, artifacts);
    }
    return [];
  }

  #put(name: string, step: Step, artifacts: ReadonlySet<string>): readonly string[] {
    const what = `put ${name}`;
    const inputs = typeof step.inputs === "object" ? step.inputs : [...artifacts];
    for (const input of inputs) {
      if (!artifacts.has(input)) this.#says(what, `nothing before it gives the input ${input}`);
    }
    // Parameters that are paths begin with an artifact.
    for (const value of Object.values(step.params ?? {})) {
      const [first = "", ...rest] = String(value).split("/");
      if (rest.length > 0 && !inputs.includes(first)) {
        this.#says(what, `${String(value)} is in none of its inputs`);
      }
    }
    return step.no_get === true ? [] : [name];
  }

  #task(what: string, step: Step, artifacts: ReadonlySet<string>): readonly string[] {
    if ((step.file === undefined) === (step.config === undefined)) {
      this.#says(what, "must have either file or config");
      return [];
    }
    const task = step.config ?? this.#taskFile(what, step.file ?? "", artifacts);
    if (task === undefined) return [];
    if (step.image !== undefined && !artifacts.has(step.image)) {
      this.#says(what, `nothing before it gives the image ${step.image}`);
    }
    if (step.image === undefined && task.image_resource === undefined && task.rootfs_uri === undefined) {
      this.#says(what, "has no image, neither in the step nor in the task");
    }
    const { inputs = [], outputs = [], params = {} } = task;
    for (const { name, optional } of inputs) {
      const given = step.input_mapping?.[name] ?? name;
      if (optional !== true && !artifacts.has(given)) {
        this.#says(what, `nothing before it gives the input ${given}`);
      }
    }
    this.#known(what, "input", step.input_mapping, inputs);
    this.#known(what, "output", step.output_mapping, outputs);
    const names = Object.keys(params).map((name) => ({ name }));
    this.#known(what, "parameter", step.params, names);
    for (const [name, value] of Object.entries({ ...params, ...step.params })) {
      if (value === null) this.#says(what, `the parameter ${name} has no value`);
    }
    this.#run(what, task);
    return outputs.map(({ name }) => step.output_mapping?.[name] ?? name);
  }

  #taskFile(what: string, path: string, artifacts: ReadonlySet<string>): TaskFile | undefined {
    const text = this.#file(what, path, artifacts);
    if (text === undefined) return undefined;
    const read = taskFile.safeParse(parse(text));
    for (const { path: keys, message } of read.error?.issues ?? []) {
      this.#says(what, `${path}: ${keys.map(String).join(".")}: ${message}`);
    }
    return read.data;
  }

  /** The program and its arguments, where they are files of the repository. */
  #run(what: string, { run, inputs = [] }: TaskFile): void {
    const mounted = inputs.find(({ name }) => name === this.#tree.artifact);
    for (const [index, word] of [run.path, ...(run.args ?? [])].entries()) {
      const [first, ...rest] = word.split("/");
      if (first !== this.#tree.artifact || rest.length === 0) continue;
      const path = rest.join("/");
      if (mounted === undefined) this.#says(what, `runs ${word} without the input ${first}`);
      else if (this.#tree.read(path) === undefined) this.#says(what, `there is no file ${path}`);
      else if (index === 0 && !this.#tree.isExecutable(path)) this.#says(what, `${path} is not executable`);
    }
  }

  /** @returns the text of a file of the repository; undefined where another step makes the file */
  #file(what: string, path: string, artifacts: ReadonlySet<string>): string | undefined {
    const [artifact = "", ...rest] = path.split("/");
    if (!artifacts.has(artifact)) {
      this.#says(what, `nothing before it gives ${artifact}, where ${path} should be`);
      return undefined;
    }
    if (artifact !== this.#tree.artifact) return undefined;
    const text = this.#tree.read(rest.join("/"));
    if (text === undefined) this.#says(what, `there is no file ${rest.join("/")}`);
    return text;
  }

  #known(
    what: string,
    kind: string,
    given: Readonly<Record<string, unknown>> | undefined,
    declared: readonly { readonly name: string }[],
  ): void {
    for (const name of Object.keys(given ?? {})) {
      if (!declared.some((each) => each.name === name)) {
        this.#says(what, `the task declares no ${kind} ${name}`);
      }
    }
  }

  #says(what: string, sentence: string): void {
    this.mistakes.push(`${this.#where}: ${what}: ${sentence}`);
  }
}
