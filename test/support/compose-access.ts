/** What docker-compose.yml gives each NATS user, looked at from outside: keys, connections, places where no key may be. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, nkeyAuthenticator } from "nats";
import type { NatsConnection } from "nats";
import { publicKeyOf } from "../../services/shared/nats/nkey.js";
import { ROLES, inboxPrefixOf } from "../../services/shared/nats/roles.js";
import type { Role } from "../../services/shared/nats/roles.js";
import type { ComposeProject } from "./compose-project.js";
import { docker } from "./compose-project.js";

/** One connection as the server tells it. */
export interface ConnectionLook {
  /** Begins with the host name of its container. */
  readonly name: string;
  readonly user: Role | undefined;
  readonly isEncrypted: boolean;
}

export class ComposeAccess {
  readonly #project: ComposeProject;
  readonly #folder: string;

  /** Copies keys and certificates out of the volumes, as docs/compose.md says. @param folder to make */
  constructor(project: ComposeProject, folder: string) {
    this.#project = project;
    this.#folder = folder;
    docker("cp", `${project.containers("access")[0]?.id ?? ""}:/nats`, folder);
  }

  /** What the environment of a program on this machine needs. */
  env(role: Role): Readonly<Record<string, string>> {
    return {
      NATS_URL: `tls://localhost:${this.#project.compose("port", "nats", "4222").trim().split(":")[1] ?? ""}`,
      NATS_NKEY_FILE: join(this.#folder, role, "default.nk"),
      NATS_TLS_CA_FILE: join(this.#folder, role, "ca.pem"),
    };
  }

  /** Connects from this machine. @param role undefined for somebody without a key */
  connect(role: Role | undefined): Promise<NatsConnection> {
    const { NATS_URL = "", NATS_TLS_CA_FILE = "" } = this.env(role ?? "client");
    return connect({
      servers: new URL(NATS_URL).host,
      tls: { caFile: NATS_TLS_CA_FILE },
      reconnect: false,
      ...(role !== undefined && {
        authenticator: nkeyAuthenticator(new TextEncoder().encode(this.#seedOf(role))),
        inboxPrefix: inboxPrefixOf(role, undefined),
      }),
    });
  }

  /** Every secret that was made: seeds, and a line of the key of the server's certificate. */
  secrets(): string[] {
    const key = readFileSync(join(this.#folder, "server", "server.key"), "utf8").split("\n")[1] ?? "";
    return [key, ...ROLES.map((role) => this.#seedOf(role))];
  }

  async connections(): Promise<ConnectionLook[]> {
    const ip = this.#project.containers("nats")[0]?.ip ?? "";
    const answer = await fetch(`http://${ip}:8222/connz?auth=1&limit=1000`);
    const { connections } = (await answer.json()) as {
      connections: { name?: string; authorized_user?: string; tls_version?: string }[];
    };
    const users = new Map(ROLES.map((role) => [publicKeyOf(this.#seedOf(role)), role] as const));
    return connections.map(({ name = "", authorized_user: key = "", tls_version: tls = "" }) => ({
      name,
      user: users.get(key),
      isEncrypted: tls !== "",
    }));
  }

  #seedOf(role: Role): string {
    return readFileSync(join(this.#folder, role, "default.nk"), "utf8").trim();
  }
}
