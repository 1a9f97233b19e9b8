import { access, chmod, constants, copyFile, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Env } from "../shared/config.js";
import { UserError, messageOf } from "../shared/errors.js";
import { unpackDistributionPackage } from "./nats-server-package.js";
import { NATS_SERVER_VERSION, RELEASE_URL, fetchRelease, releaseArchiveName } from "./nats-server-release.js";
import { runCommand } from "./run-command.js";

/** What differs in tests. */
export interface BinaryOptions {
  /** Where SHA256SUMS and the archives are. */
  readonly releaseUrl?: string;
  /** Searched after PATH: Debian puts nats-server where the PATH of a user does not look. */
  readonly systemFolders?: readonly string[];
  /** Tells the user about a wait: one line without line end. */
  readonly say?: (line: string) => void;
}

const VERSION_TIMEOUT_MS = 10_000;

/**
 * Path of a nats-server that runs: NATS_SERVER_BIN, else PATH, else the copy fetched earlier, else
 * fetched now: the official release or, where GitHub is out of reach, the package of Debian or
 * Ubuntu. What was fetched is kept in `$XDG_CACHE_HOME/data-crunch` (`~/.cache/data-crunch`).
 *
 * @throws UserError that lists what was tried and what to do
 */
export async function natsServerBinary(env: Env, options: BinaryOptions = {}): Promise<string> {
  const named = env.NATS_SERVER_BIN;
  if (named !== undefined && named !== "") {
    const problem = await problemOf(named, env);
    if (problem === undefined) return named;
    throw new UserError(`NATS_SERVER_BIN="${named}": ${problem}; name a nats-server, or unset it`);
  }
  const systemFolders = options.systemFolders ?? ["/usr/local/sbin", "/usr/sbin"];
  for (const path of await executablesOnPath("nats-server", env, systemFolders)) {
    if ((await problemOf(path, env)) === undefined) return path;
  }

  const cacheFolder = cacheFolderOf(env);
  const archive = releaseArchiveName(process.platform, process.arch);
  const releasePath = join(cacheFolder, archive?.replace(/\.tar\.gz$/, "") ?? "nats-server");
  const packagePath = join(cacheFolder, `nats-server-distribution-${process.arch}`);
  for (const path of [releasePath, packagePath]) {
    if ((await problemOf(path, env)) === undefined) return path;
  }

  const tried = ["no nats-server on PATH"];
  const baseUrl = options.releaseUrl ?? RELEASE_URL;
  if (archive === undefined) tried.push(`no release for ${process.platform} ${process.arch}`);
  else {
    options.say?.(`getting nats-server ${NATS_SERVER_VERSION} once, into ${cacheFolder}`);
    try {
      return await keep(releasePath, env, (folder) => fetchRelease(archive, folder, { baseUrl, env }));
    } catch (thrown) {
      tried.push(messageOf(thrown));
    }
  }
  if ((await executablesOnPath("apt-get", env)).length > 0) {
    options.say?.("the release cannot be had; taking nats-server from the distribution's package");
    try {
      return await keep(packagePath, env, (folder) => unpackDistributionPackage(folder, env));
    } catch (thrown) {
      tried.push(messageOf(thrown));
    }
  }
  throw new UserError(
    `nats-server is needed and could not be had: ${tried.join("; ")}. ` +
      `Install it (apt install nats-server, brew install nats-server) or unpack ${RELEASE_URL} and name it ` +
      "in NATS_SERVER_BIN, or name a running server in NATS_URL",
  );
}

/** Gets an executable in a folder of its own, checks that it runs, and moves it into the cache at once. */
async function keep(path: string, env: Env, get: (folder: string) => Promise<string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "data-crunch-nats-"));
  try {
    const got = await get(folder);
    const problem = await problemOf(got, env);
    if (problem !== undefined) throw new Error(`what was fetched does not run: ${problem}`);
    await mkdir(join(path, ".."), { recursive: true });
    // The temp folder may be on another disk, and a rename is atomic on one disk only.
    const beside = `${path}.${String(process.pid)}`;
    await copyFile(got, beside);
    await chmod(beside, 0o755);
    await rename(beside, path);
    return path;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Why `path` is no nats-server; undefined if it is one. */
async function problemOf(path: string, env: Env): Promise<string | undefined> {
  if (!(await isExecutable(path))) return "is no executable file";
  const { status, stdout, stderr } = await runCommand(path, ["--version"], {
    timeoutMs: VERSION_TIMEOUT_MS,
    env,
  });
  if (status === 0 && stdout.startsWith("nats-server:")) return undefined;
  return `--version ended with ${String(status ?? "no exit code")}: ${(stderr || stdout).trim().slice(0, 200)}`;
}

function cacheFolderOf(env: Env): string {
  const caches = env.XDG_CACHE_HOME;
  if (caches !== undefined && caches !== "") return join(caches, "data-crunch");
  return join(env.HOME ?? homedir(), ".cache", "data-crunch");
}

async function executablesOnPath(name: string, env: Env, more: readonly string[] = []): Promise<string[]> {
  const found: string[] = [];
  for (const folder of [...(env.PATH ?? "").split(delimiter), ...more]) {
    const path = join(folder, name);
    if (folder !== "" && (await isExecutable(path))) found.push(path);
  }
  return found;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
