/** What a pipeline names must be there: resources, their types, jobs; and what is there must be used. */
import { resourceOf, stepsOf } from "./pipeline.js";
import type { Job, Pipeline } from "./pipeline.js";

/** Resource types that every Concourse worker brings. */
const BUILT_IN = [
  "bosh-io-release",
  "bosh-io-stemcell",
  "docker-image",
  "git",
  "github-release",
  "hg",
  "mock",
  "pool",
  "registry-image",
  "s3",
  "semver",
  "time",
];
const SECRET_KEY = /password|secret|token|private_key|webhook|credential/;
const VARIABLE = /^\(\([^()]+\)\)$/;

/** @returns one sentence for each mistake */
export function checkReferences(pipeline: Pipeline): string[] {
  return [
    ...repeated("resource type", pipeline.resource_types),
    ...repeated("resource", pipeline.resources),
    ...repeated("job", pipeline.jobs),
    ...repeated("group", pipeline.groups),
    ...checkResources(pipeline),
    ...pipeline.jobs.flatMap((job) => checkJob(job, pipeline)),
    ...checkOrder(pipeline.jobs),
    ...checkGroups(pipeline),
  ];
}

function repeated(what: string, named: readonly { readonly name: string }[]): string[] {
  const names = named.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return twice.map((name) => `${what} ${name} is there twice`);
}

function checkResources({ resource_types: types, resources, jobs }: Pipeline): string[] {
  const known = [...BUILT_IN, ...types.map(({ name }) => name)];
  const used = new Set(jobs.flatMap(stepsOf).map(resourceOf));
  return [
    ...[...types, ...resources]
      .filter(({ type }) => !known.includes(type))
      .map(({ name, type }) => `resource ${name} is of the unknown type ${type}`),
    ...types
      .filter(({ name }) => ![...types, ...resources].some(({ type }) => type === name))
      .map(({ name }) => `resource type ${name} is not used`),
    ...resources.filter(({ name }) => !used.has(name)).map(({ name }) => `resource ${name} is not used`),
    ...resources.flatMap(({ name, source }) =>
      Object.entries(source)
        .filter(([key, value]) => SECRET_KEY.test(key) && !VARIABLE.test(String(value)))
        .map(([key]) => `resource ${name} holds ${key}, which must be a ((variable))`),
    ),
  ];
}

function checkJob(job: Job, { resources, jobs }: Pipeline): string[] {
  const steps = stepsOf(job);
  const gets = steps.flatMap(({ get }) => (get === undefined ? [] : { name: get }));
  const unknown = steps
    .map(resourceOf)
    .filter((name) => name !== undefined && !resources.some((resource) => resource.name === name))
    .map((name) => `job ${job.name} uses the unknown resource ${String(name)}`);
  const passed = steps.flatMap((step) =>
    (step.passed ?? []).flatMap((name) => {
      const before = jobs.find((each) => each.name === name);
      if (before === undefined) return [`job ${job.name} waits for the unknown job ${name}`];
      const resource = resourceOf(step);
      const isThere = stepsOf(before).some((each) => resourceOf(each) === resource);
      return isThere ? [] : [`job ${job.name} waits for ${String(resource)} of job ${name}, which has none`];
    }),
  );
  return [...repeated(`job ${job.name}: get`, gets), ...unknown, ...passed];
}

/** No job may wait for itself, however many others are between. */
function checkOrder(jobs: readonly Job[]): string[] {
  const before = new Map(jobs.map((job) => [job.name, stepsOf(job).flatMap(({ passed = [] }) => passed)]));
  const waitsFor = (name: string, seen: Set<string>): Set<string> => {
    for (const each of before.get(name) ?? []) {
      if (!seen.has(each)) waitsFor(each, seen.add(each));
    }
    return seen;
  };
  return jobs
    .filter(({ name }) => waitsFor(name, new Set()).has(name))
    .map(({ name }) => `job ${name} waits for itself`);
}

function checkGroups({ groups, jobs }: Pipeline): string[] {
  if (groups.length === 0) return [];
  const grouped = groups.flatMap((group) => group.jobs);
  return [
    ...grouped
      .filter((name) => !jobs.some((job) => job.name === name))
      .map((name) => `a group has the unknown job ${name}`),
    ...jobs
      .filter(({ name }) => !grouped.includes(name))
      .map(({ name }) => `job ${name} belongs to no group`),
  ];
}
