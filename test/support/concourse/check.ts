/** Checks a pipeline file as `fly validate-pipeline --strict` does, and what fly does not look at. */
import { checkArtifacts } from "./artifacts.js";
import type { Tree } from "./artifacts.js";
import { readPipeline } from "./pipeline.js";
import { checkReferences } from "./references.js";

/** @returns one sentence for each mistake, none for a pipeline that is right */
export function checkPipeline(text: string, tree: Tree): string[] {
  const dead = text.match(/\{\{[^}]*\}\}/g) ?? [];
  if (dead.length > 0) return dead.map((each) => `${each} is no variable; ((name)) is one`);
  const pipeline = readPipeline(text);
  if (Array.isArray(pipeline)) return pipeline;
  return [...checkReferences(pipeline), ...pipeline.jobs.flatMap((job) => checkArtifacts(job, tree))];
}
