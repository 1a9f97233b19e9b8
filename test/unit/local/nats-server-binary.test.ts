import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { natsServerBinary } from "../../../services/local/nats-server-binary.js";
import {
  NATS_SERVER_VERSION,
  checksumOf,
  releaseArchiveName,
} from "../../../services/local/nats-server-release.js";
import { UserError } from "../../../services/shared/errors.js";
import { tempFolder } from "../../support/temp-folder.js";

const archive = releaseArchiveName(process.platform, process.arch) ?? "";
/** Answers --version as a nats-server does, which is all that is asked of it here. */
const FAKE_SERVER = '#!/bin/sh\necho "nats-server: v0.0.0-fake"\n';

describe("nats-server is found", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  let folders = 0;
  /** An environment that sees only tar and what the test puts into `bin`. */
  function emptyEnv(): { bin: string; cache: string; env: Record<string, string> } {
    const home = join(folder.path, String((folders += 1)));
    const bin = join(home, "bin");
    mkdirSync(bin, { recursive: true });
    for (const tool of ["tar", "gzip", "sh"]) {
      const { stdout } = spawnSync("/bin/sh", ["-c", `command -v ${tool}`], { encoding: "utf8" });
      executable(join(bin, tool), `#!/bin/sh\nexec ${stdout.trim()} "$@"\n`);
    }
    return { bin, cache: join(home, ".cache", "data-crunch"), env: { PATH: bin, HOME: home } };
  }
  const find = (env: Record<string, string>, releaseUrl = "http://127.0.0.1:1"): Promise<string> =>
    natsServerBinary(env, { releaseUrl, systemFolders: [] });

  /** A release host with one archive; `files` may be changed by the test. */
  const files = new Map<string, Uint8Array | string>();
  const asked: string[] = [];
  const host = createServer((request, response) => {
    const name = (request.url ?? "").slice(1);
    asked.push(name);
    const file = files.get(name);
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  let hostUrl = "";
  before(async () => {
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    hostUrl = `http://127.0.0.1:${String((host.address() as AddressInfo).port)}`;
  });
  after(() => host.close());
  function release(script: string): void {
    const inside = archive.replace(/\.tar\.gz$/, "");
    executable(join(folder.path, "release", inside, "nats-server"), script);
    spawnSync("tar", ["-czf", join(folder.path, archive), "-C", join(folder.path, "release"), inside]);
    const bytes = readFileSync(join(folder.path, archive));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    files.set(archive, bytes);
    files.set("SHA256SUMS", `${"0".repeat(64)}  other.zip\n${sha256}  ${archive}\n`);
    asked.length = 0;
  }

  it("where NATS_SERVER_BIN says, and nowhere else", async () => {
    const { bin, env } = emptyEnv();
    executable(join(bin, "nats-server"), FAKE_SERVER);
    const named = executable(join(bin, "mine"), FAKE_SERVER);

    assert.equal(await find({ ...env, NATS_SERVER_BIN: named }), named);
    await assert.rejects(find({ ...env, NATS_SERVER_BIN: `${named}-not` }), {
      name: "UserError",
      message: /^NATS_SERVER_BIN=".*mine-not": is no executable file/,
    });
    executable(named, "#!/bin/sh\necho no server >&2; exit 3\n");
    await assert.rejects(find({ ...env, NATS_SERVER_BIN: named }), /ended with 3: no server/);
  });

  it("on PATH, past one that does not run", async () => {
    const { bin, env } = emptyEnv();
    const broken = join(bin, "broken");
    executable(join(broken, "nats-server"), "#!/bin/sh\nexit 1\n");
    const good = executable(join(bin, "nats-server"), FAKE_SERVER);

    assert.equal(await find({ ...env, PATH: [broken, bin].join(delimiter) }), good);
  });

  it("in the release, which is fetched once, checked and kept", async () => {
    release(FAKE_SERVER);
    const { cache, env } = emptyEnv();

    const path = await find(env, hostUrl);

    assert.equal(path, join(cache, archive.replace(/\.tar\.gz$/, "")));
    assert.deepEqual(asked, ["SHA256SUMS", archive]);
    assert.equal(await find(env), path, "the second time nothing is fetched");
    assert.deepEqual(readdirSync(cache).length, 1, "nothing half-made beside it");
  });

  it("in XDG_CACHE_HOME, if that is set", async () => {
    release(FAKE_SERVER);
    const { env } = emptyEnv();
    const caches = join(folder.path, "caches");

    assert.match(
      await find({ ...env, XDG_CACHE_HOME: caches }, hostUrl),
      /caches\/data-crunch\/nats-server-v/,
    );
  });

  it("not in a release whose bytes are not those of its checksum", async () => {
    release(FAKE_SERVER);
    files.set(archive, Buffer.concat([readFileSync(join(folder.path, archive)), Buffer.from("x")]));
    const { cache, env } = emptyEnv();

    await assert.rejects(find(env, hostUrl), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /has SHA-256 [0-9a-f]{64}, the release says [0-9a-f]{64}: refused/);
      return true;
    });
    assert.equal(existsSync(cache), false);
  });

  it("not in a release that does not run here", async () => {
    release("#!/bin/sh\necho wrong architecture >&2; exit 126\n");
    const { cache, env } = emptyEnv();

    await assert.rejects(find(env, hostUrl), /what was fetched does not run: .*wrong architecture/);
    assert.equal(existsSync(cache), false);
  });

  it("nowhere: says what was tried and what to do", async () => {
    const { env } = emptyEnv();
    files.clear();

    await assert.rejects(find(env, hostUrl), {
      name: "UserError",
      message: /no nats-server on PATH; .*SHA256SUMS: HTTP 404\. Install it .*NATS_SERVER_BIN.*NATS_URL/,
    });
    await assert.rejects(find(env), /http:\/\/127\.0\.0\.1:1\/SHA256SUMS: /);
  });

  it("in the distribution's package when the release host refuses", async () => {
    const { bin, cache, env } = emptyEnv();
    // The first download fails as it does without package lists; the private update makes it work.
    executable(
      join(bin, "apt-get"),
      `#!/bin/sh
       case "$*" in
         "-qq download nats-server") echo "E: Unable to locate package nats-server" >&2; exit 100;;
         *"apt.conf -qq update") : >updated;;
         *"apt.conf -qq download nats-server") [ -e updated ] && : >nats-server_1_any.deb;;
       esac`,
    );
    executable(
      join(bin, "dpkg-deb"),
      `#!/bin/sh
       [ "$1 $2" = "-x nats-server_1_any.deb" ] || exit 1
       /bin/mkdir -p "$3/usr/sbin"; printf '${FAKE_SERVER.replaceAll("\n", "\\n")}' >"$3/usr/sbin/nats-server"
       /bin/chmod 755 "$3/usr/sbin/nats-server"`,
    );

    const path = await find(env);

    assert.equal(path, join(cache, `nats-server-distribution-${process.arch}`));
    assert.equal(await find({ ...env, PATH: "" }), path);
  });

  it("not in a package that apt cannot get: apt's own words are passed on", async () => {
    const { bin, env } = emptyEnv();
    executable(
      join(bin, "apt-get"),
      '#!/bin/sh\necho "W: x" >&2; echo "E: no network" >&2; echo y >&2; exit 100\n',
    );

    await assert.rejects(find(env), /apt-get .* update: E: no network/);
  });
});

describe("the names of a release", () => {
  it("are those of the machine, and none where there is no archive", () => {
    const version = `nats-server-v${NATS_SERVER_VERSION}`;
    assert.equal(releaseArchiveName("linux", "x64"), `${version}-linux-amd64.tar.gz`);
    assert.equal(releaseArchiveName("darwin", "arm64"), `${version}-darwin-arm64.tar.gz`);
    assert.equal(releaseArchiveName("win32", "x64"), undefined);
    assert.equal(releaseArchiveName("linux", "mips"), undefined);
  });

  it("have their checksum in the list, with or without the sign of binary mode", () => {
    const sum = "ab".repeat(32);
    assert.equal(checksumOf("b.tar.gz", `${"0".repeat(64)}  a.tar.gz\n${sum} *b.tar.gz\n`), sum);
    assert.equal(checksumOf("tar.gz", `${sum}  b.tar.gz\n`), undefined);
    assert.equal(checksumOf("b.tar.gz", "not found  b.tar.gz\n"), undefined);
  });
});

function executable(path: string, script: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}
