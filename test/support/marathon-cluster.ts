/** What a Marathon knows and does, as far as deploying and scaling see it. Time passes by being looked at. */
import { randomUUID } from "node:crypto";

export type Json = Readonly<Record<string, unknown>>;

export interface App extends Json {
  readonly id: string;
  readonly instances: number;
  readonly version: string;
}

interface Action {
  readonly action: string;
  readonly app: string;
}

interface Deployment {
  readonly id: string;
  readonly version: string;
  readonly before: ReadonlyMap<string, App>;
  readonly steps: readonly (readonly Action[])[];
  looksLeft: number;
}

/** Where a task of an app is; a test gives the ports of servers of its own. */
export interface Task {
  readonly host: string;
  readonly ports: readonly number[];
}

export class MarathonCluster {
  /** Deployments are over after this many looks at them. */
  looksPerDeployment = 2;
  /** Images whose tasks run and never get healthy. */
  readonly sickImages = new Set<string>();
  /** Images whose tasks fail again and again: a deployment with one is never over. */
  readonly brokenImages = new Set<string>();
  readonly tasks = new Map<string, readonly Task[]>();
  #apps = new Map<string, App>();
  readonly #history = new Map<string, ReadonlyMap<string, App>>();
  #deployments: Deployment[] = [];
  readonly #failures = new Map<string, Json>();
  readonly #scaledAt = new Map<string, string>();
  #versions = 0;
  /** Milliseconds since 1970 of the next version. */
  nowMs: () => number = () => Date.UTC(2026, 0, 1) + this.#versions * 1_000;

  get apps(): ReadonlyMap<string, App> {
    return this.#apps;
  }

  get deployments(): readonly Deployment[] {
    return this.#deployments;
  }

  /** With counts, tasks and failures, as `GET /v2/apps/ID` shows it. */
  show(id: string): Json | undefined {
    const app = this.#apps.get(id);
    if (app === undefined) return undefined;
    const deployments = this.#deployments.filter(({ steps }) => steps.flat().some((step) => step.app === id));
    const isUnderWay = deployments.length > 0;
    const running = isUnderWay && this.brokenImages.has(imageOf(app)) ? 0 : app.instances;
    const isHealthy = !this.sickImages.has(imageOf(app));
    return {
      ...app,
      versionInfo: { lastScalingAt: this.#scaledAt.get(id) ?? app.version, lastConfigChangeAt: app.version },
      tasksStaged: isUnderWay ? app.instances - running : 0,
      tasksRunning: running,
      tasksHealthy: isHealthy ? running : 0,
      tasksUnhealthy: isHealthy ? 0 : running,
      tasks: (this.tasks.get(id) ?? []).map((task, index) => ({
        id: `${id.slice(1).replaceAll("/", "_")}.${String(index)}`,
        appId: id,
        state: "TASK_RUNNING",
        version: app.version,
        ...task,
      })),
      deployments: deployments.map(({ id: deployment }) => ({ id: deployment })),
      lastTaskFailure: this.#failures.get(id) ?? null,
    };
  }

  versionOfGroup(id: string): string | undefined {
    const versions = [...this.#apps.values()]
      .filter((app) => isWithin(app.id, id))
      .map(({ version }) => version);
    if (versions.length === 0) return undefined;
    return [...this.#history.keys()].at(-1);
  }

  appsAt(version: string): ReadonlyMap<string, App> | undefined {
    return this.#history.get(version);
  }

  newVersion(): string {
    this.#versions += 1;
    return new Date(this.nowMs()).toISOString();
  }

  /** Deployments that touch what would become `apps`. */
  lockedBy(apps: ReadonlyMap<string, App>): readonly Deployment[] {
    const touched = new Set(this.plan(apps).flatMap((step) => step.map(({ app }) => app)));
    return this.#deployments.filter(({ steps }) => steps.flat().some(({ app }) => touched.has(app)));
  }

  /** What it takes to get from what runs to `apps`: what is needed first comes first. */
  plan(apps: ReadonlyMap<string, App>): readonly (readonly Action[])[] {
    const actions: Action[] = [];
    for (const app of inOrder(apps)) {
      const now = this.#apps.get(app.id);
      if (now === undefined) actions.push({ action: "StartApplication", app: app.id });
      else if (!isSame(now, app)) {
        const isScaled = isSame({ ...now, instances: app.instances }, app);
        actions.push({ action: isScaled ? "ScaleApplication" : "RestartApplication", app: app.id });
      }
    }
    for (const id of this.#apps.keys()) {
      if (!apps.has(id)) actions.push({ action: "StopApplication", app: id });
    }
    return actions.map((action) => [action]);
  }

  /** Ends what is in its way and starts the way to `apps`. */
  start(apps: ReadonlyMap<string, App>, version: string): Deployment {
    const locked = this.lockedBy(apps);
    this.#deployments = this.#deployments.filter((each) => !locked.includes(each));
    const steps = this.plan(apps);
    const deployment = {
      id: randomUUID(),
      version,
      before: this.#apps,
      steps,
      looksLeft: steps.length === 0 ? 0 : this.looksPerDeployment,
    };
    const changed = new Map<string, App>();
    for (const [id, app] of apps) {
      const now = this.#apps.get(id);
      const isKept = now !== undefined && isSame(now, app);
      changed.set(id, isKept ? now : { ...app, version });
      if (!isKept) this.#scaledAt.set(id, version);
      if (!isKept && this.brokenImages.has(imageOf(app))) this.#failures.set(id, failureOf(app, version));
    }
    this.#apps = changed;
    this.#history.set(version, changed);
    if (deployment.looksLeft > 0) this.#deployments.push(deployment);
    return deployment;
  }

  /** As `GET /v2/deployments` shows them; each look takes them further. */
  lookAtDeployments(): readonly Json[] {
    const shown = this.#deployments.map(({ id, version, steps, looksLeft }) => {
      const done = this.looksPerDeployment - looksLeft;
      const current = Math.min(steps.length, 1 + Math.floor((done * steps.length) / this.looksPerDeployment));
      return {
        id,
        version,
        affectedApps: steps.flat().map(({ app }) => app),
        steps: steps.map((actions) => ({
          actions: actions.map(({ action, app }) => ({ type: action, app })),
        })),
        currentActions: steps[current - 1] ?? [],
        currentStep: current,
        totalSteps: steps.length,
      };
    });
    for (const deployment of this.#deployments) {
      if (!this.#isStuck(deployment)) deployment.looksLeft -= 1;
    }
    this.#deployments = this.#deployments.filter(({ looksLeft }) => looksLeft > 0);
    return shown;
  }

  #isStuck({ steps }: Deployment): boolean {
    return steps.flat().some(({ app }) => {
      const now = this.#apps.get(app);
      return now !== undefined && this.brokenImages.has(imageOf(now));
    });
  }
}

function imageOf(app: App): string {
  const { docker } = (app.container ?? {}) as { readonly docker?: { readonly image?: string } };
  return docker?.image ?? "";
}

function isSame(one: App, other: App): boolean {
  return JSON.stringify({ ...one, version: "" }) === JSON.stringify({ ...other, version: "" });
}

export function isWithin(id: string, group: string): boolean {
  return group === "/" || id.startsWith(`${group}/`);
}

function inOrder(apps: ReadonlyMap<string, App>): readonly App[] {
  const ordered = new Set<App>();
  const add = (app: App | undefined): void => {
    if (app === undefined || ordered.has(app)) return;
    for (const needed of (app.dependencies ?? []) as readonly string[]) add(apps.get(needed));
    ordered.add(app);
  };
  for (const app of apps.values()) add(app);
  return [...ordered];
}

function failureOf(app: App, version: string): Json {
  return {
    appId: app.id,
    host: "agent-1",
    message: "Container exited with status 2",
    state: "TASK_FAILED",
    timestamp: version,
    version,
  };
}
