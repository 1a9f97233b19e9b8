/**
 * keys and certificates that are missing -> files -> the configuration of a NATS server that knows them.
 *
 * Each user has a folder of its own, to be handed to its program and to nobody else:
 *
 *     OUT/server/access.conf server.pem server.key      for the server, cluster.conf ca.pem for one of a cluster
 *     OUT/ROLE/default.nk ca.pem                        for the program, `NAMESPACE.nk` in a namespace
 */
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError, messageOf } from "../shared/errors.js";
import { newSeed, publicKeyOf } from "../shared/nats/nkey.js";
import { ROLES } from "../shared/nats/roles.js";
import type { Role } from "../shared/nats/roles.js";
import { clusterConfig, serverConfig } from "../shared/nats/server-config.js";
import type { ServerUser } from "../shared/nats/server-config.js";
import { Authority } from "./certificates.js";

export interface NatsConfigOptions {
  readonly out: string;
  readonly namespace: string | undefined;
  /** Names and addresses that clients dial; empty for a server without TLS. */
  readonly hosts: readonly string[];
  /** Make new certificates although the old ones will do. */
  readonly renew: boolean;
  /** Hears what was made. */
  readonly note: (line: string) => void;
}

/** Clients of some kinds take no certificate that is valid for longer. */
const VALID_DAYS = 825;
/** A certificate that ends sooner than this is renewed. */
const RENEW_DAYS = 30;
const DAY_MS = 86_400_000;
/** The extended key usage of clients, as `keyUsage` tells it. */
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

const ACCESS_FILE = "access.conf";
const CA_FILE = "ca.pem";

/** File name of the key in no namespace. */
const NO_NAMESPACE = "default";
const SECRET = 0o600;
/** The server may run as another user, of the group that makes the files. */
const FOR_SERVER = 0o640;
const FOR_ALL = 0o644;

/** @throws UserError when OUT cannot be written, or what it holds cannot be read */
export async function writeNatsConfig(options: NatsConfigOptions): Promise<void> {
  const { namespace } = options;
  if (namespace === NO_NAMESPACE) {
    throw new UserError(
      `NAMESPACE="${NO_NAMESPACE}": is the file name of the keys without one; take another`,
    );
  }
  try {
    await writeAll({ ...options, out: resolve(options.out), hosts: [...new Set(options.hosts)] });
  } catch (thrown) {
    throw new UserError(`--out="${options.out}": ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function writeAll(options: NatsConfigOptions): Promise<void> {
  const { out, namespace, hosts, note } = options;
  mkdirSync(join(out, "server"), { recursive: true, mode: 0o750 });
  for (const role of ROLES) {
    mkdirSync(join(out, role), { recursive: true, mode: 0o700 });
    const path = join(out, role, `${namespace ?? NO_NAMESPACE}.nk`);
    if (existsSync(path)) continue;
    write(path, `${newSeed()}\n`, SECRET);
    note(`made ${path}`);
  }
  const certFile = join(out, "server", "server.pem");
  const keyFile = join(out, "server", "server.key");
  const isTls = hosts.length > 0;
  if (isTls && (options.renew || !willDo(out, hosts))) {
    await writeCertificates(out, hosts);
    note(`made ${certFile} for ${hosts.join(", ")}, valid for ${String(VALID_DAYS)} days`);
  }
  const path = join(out, "server", ACCESS_FILE);
  write(path, serverConfig(usersIn(out), isTls ? { certFile, keyFile } : undefined), FOR_SERVER);
  if (isTls) {
    const caFile = join(out, "server", CA_FILE);
    write(
      join(out, "server", "cluster.conf"),
      clusterConfig(ACCESS_FILE, { certFile, keyFile, caFile }),
      FOR_SERVER,
    );
  }
  note(`wrote ${path}: start nats-server with it, or include it in your own configuration`);
}

/** Every user whose key is there, also those of other namespaces. */
function usersIn(out: string): ServerUser[] {
  return ROLES.flatMap((role: Role) =>
    readdirSync(join(out, role))
      .filter((name) => name.endsWith(".nk"))
      .sort()
      .map((name) => {
        const namespace = name.slice(0, -".nk".length);
        return {
          role,
          namespace: namespace === NO_NAMESPACE ? undefined : namespace,
          publicKey: publicKeyOf(readFileSync(join(out, role, name), "utf8")),
        };
      }),
  );
}

/** True if there is a certificate for exactly these hosts, each user trusts it, and it ends late enough. */
function willDo(out: string, hosts: readonly string[]): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(join(out, "server", "server.pem")));
    readFileSync(join(out, "server", "server.key"));
    const isTrusted = ["server", ...ROLES].every((owner) => {
      const authority = new X509Certificate(readFileSync(join(out, owner, CA_FILE)));
      return certificate.verify(authority.publicKey);
    });
    const names = (certificate.subjectAltName ?? "").split(", ").length;
    const isFor = hosts.every(
      (host) => (certificate.checkHost(host) ?? certificate.checkIP(host)) !== undefined,
    );
    const isLong = Date.parse(certificate.validTo) > Date.now() + RENEW_DAYS * DAY_MS;
    const isForRoutes = certificate.keyUsage.includes(CLIENT_AUTH);
    return isTrusted && isForRoutes && isFor && names === hosts.length && isLong;
  } catch {
    return false;
  }
}

/** The authority's key is thrown away: nobody can make a certificate that these users trust, ever again. */
async function writeCertificates(out: string, hosts: readonly string[]): Promise<void> {
  const nowMs = Date.now();
  // Clocks of other machines may be behind.
  const validity = { from: new Date(nowMs - DAY_MS), to: new Date(nowMs + VALID_DAYS * DAY_MS) };
  const authority = await Authority.create("data-crunch NATS authority", validity);
  const server = await authority.issue({
    name: "data-crunch NATS server",
    hosts,
    validity,
  });
  for (const owner of ["server", ...ROLES]) {
    write(join(out, owner, CA_FILE), `${authority.certificate}\n`, FOR_ALL);
  }
  write(join(out, "server", "server.key"), server.key, FOR_SERVER);
  write(join(out, "server", "server.pem"), server.certificate, FOR_ALL);
}

/** All or nothing: whoever reads meanwhile finds the old file or the new one. */
function write(path: string, text: string, mode: number): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode });
  renameSync(fresh, path);
}
