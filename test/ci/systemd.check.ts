/**
 * The units of deploy-systemd under a real systemd: a container whose root is this machine's, with what it writes kept
 * apart in memory. Installed as its user does, 100,000 records end in the table, killed and stopped on the way.
 *
 * Before that, `systemd-analyze` judges the files themselves. Each judge is shown a planted mistake too.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { natsServerBinary } from "../../services/local/nats-server-binary.js";
import { SystemdContainer } from "../support/systemd-container.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

/** In tenths, as systemd-analyze takes it: 0 is confined, 100 is not at all. */
const MAX_EXPOSURE = 30;
const RECORDS = 100_000;
/** So that there is still work to do when the crunch-engine is killed and when it is back. */
const RECORDS_PER_SECOND = 10_000;
const UNITS = ["nats", "data-engine", "crunch-engine", "results-engine"].map((name) => `data-crunch-${name}`);
const CRUNCH = "/opt/data-crunch/bin/node /opt/data-crunch/bin/crunch.js";

let passed = 0;
const folder = tempFolder();
try {
  if (spawnSync("systemd-analyze", ["--version"]).status === 0) await check();
  else process.stdout.write("skipped: systemd is not installed\n");
} finally {
  folder.remove();
}
process.stdout.write(`${String(passed)} passed, 0 failed\n`);

async function check(): Promise<void> {
  checkExposure();
  const opened = SystemdContainer.open(await natsServerBinary(process.env));
  if ("problem" in opened) {
    process.stdout.write(`not run: the units under a real systemd, because ${opened.problem}\n`);
    return;
  }
  const { container } = opened;
  try {
    await until(() => container.isBooted(), 60_000, "systemd in the container");
    await checkRun(container);
  } catch (thrown) {
    process.stderr.write(container.ask("journalctl --no-pager -o cat -n 60 -u 'data-crunch-*'"));
    throw thrown;
  } finally {
    await container.close();
  }
}

function checkExposure(): void {
  const units = join(folder.path, "units");
  cpSync("deploy-systemd", units, { recursive: true });
  const analyze = (unit: string): ReturnType<typeof spawnSync> => {
    const options = ["--offline=true", `--threshold=${String(MAX_EXPOSURE)}`, "--no-pager"];
    return spawnSync("systemd-analyze", ["security", ...options, join(units, unit)], { encoding: "utf8" });
  };
  const files = readdirSync(units).filter((name) => name.endsWith(".service"));
  assert.deepEqual(files.toSorted(), UNITS.map((unit) => `${unit}.service`).toSorted());
  for (const file of files) {
    const { status, stdout } = analyze(file);
    assert.equal(status, 0, String(stdout));
    done(String(stdout).trim().split("\n").at(-1) ?? "");
  }
  rmSync(join(units, "data-crunch-.service.d"), { recursive: true });
  for (const file of files) assert.notEqual(analyze(file).status, 0, `${file}, which confines nothing`);
  done("units that confine nothing are refused");
}

async function checkRun(container: SystemdContainer): Promise<void> {
  container.run("/data-crunch/deploy-systemd/install.sh");
  done("install.sh");
  checkVerify(container);

  // A small disk: what the container writes is in memory.
  const source = `synthetic:?count=${String(RECORDS)}&rate=${String(RECORDS_PER_SECOND)}`;
  const settings = [`SOURCE=${source}`, "STREAM_MAX_BYTES=134217728"];
  container.run(`printf '%s\\n' '${settings.join("' '")}' >>/etc/data-crunch/data-crunch.env`);
  container.run("systemctl enable --now data-crunch.target");
  await until(() => container.ask(`${CRUNCH} status`).includes("crunch-engine"), 60_000, "the crunch-engine");
  const restarts = (): string => property(container, "data-crunch-crunch-engine", "NRestarts");
  // One that came before its server has been started again already.
  const before = Number(restarts());
  container.run("systemctl kill --signal=KILL data-crunch-crunch-engine");
  await until(() => isStored(container), 120_000, `${String(RECORDS)} rows`);
  // A machine so slow that all was crunched before the kill has its restart still to come.
  await until(() => restarts() === String(before + 1), 60_000, "the restart of the crunch-engine");
  done(`${String(RECORDS)} records stored, a crunch-engine that was killed was started again`);

  container.run("/data-crunch/deploy-systemd/install.sh && systemctl restart data-crunch.target");
  await until(
    () => said(container, "data-crunch-data-engine", "stopped") === 2,
    60_000,
    "the second data-engine's end",
  );
  await until(() => isStored(container), 60_000, "the same rows: nothing is published again");
  done("an update and a restart publish nothing twice");

  // One that is stopped while it waits for its server, to be started again, has not ended well.
  for (const [unit, starts] of [
    ["data-crunch-crunch-engine", 3],
    ["data-crunch-results-engine", 2],
  ] as const) {
    await until(() => said(container, unit, "started") === starts, 60_000, `the last start of ${unit}`);
  }

  // The units by name: a target does not wait until they have ended.
  container.run("systemctl stop 'data-crunch-*'");
  for (const unit of UNITS) {
    assert.equal(property(container, unit, "ActiveState"), "inactive", unit);
    assert.equal(property(container, unit, "Result"), "success", unit);
  }
  done("all of them drained and ended well");

  const sql = "select count(*) || '/' || count(distinct ID) as answer from results";
  const table = "/var/lib/data-crunch-results-engine/crunch.duckdb";
  const answer = container.run(
    `/opt/data-crunch/bin/node /opt/data-crunch/dist/examples/sql.js ${table} "${sql}"`,
  );
  assert.ok(answer.includes(`${String(RECORDS)}/${String(RECORDS)}`), answer);
  done(`${String(RECORDS)} rows in the table, each once`);
}

function checkVerify(container: SystemdContainer): void {
  const folderOfUnits = "/etc/systemd/system";
  container.run(
    `systemd-analyze verify ${folderOfUnits}/data-crunch*.service ${folderOfUnits}/data-crunch.target`,
  );
  done("systemd-analyze verify");
  const unit = readFileSync("deploy-systemd/data-crunch-crunch-engine.service", "utf8");
  const mistakes = {
    "a key that is none": unit.replace("MemoryMax", "MemoryMaximum"),
    "a program that is missing": unit.replace("/bin/node ", "/bin/nodejs "),
  };
  for (const [mistake, text] of Object.entries(mistakes)) {
    assert.notEqual(text, unit);
    writeFileSync(join(container.root, "root/planted.service"), text);
    assert.match(
      container.ask("systemd-analyze verify /root/planted.service 2>&1"),
      /Unknown key|not executable/,
      mistake,
    );
    done(`${mistake} is found`);
  }
}

function isStored(container: SystemdContainer): boolean {
  const said = container.ask(`${CRUNCH} status --json`);
  if (!said.startsWith("{")) return false;
  const { published, stored, outstanding } = JSON.parse(said) as Record<string, unknown>;
  return published === RECORDS && stored === RECORDS && outstanding === 0;
}

/** How many processes of the unit have said so. */
function said(container: SystemdContainer, unit: string, event: "started" | "stopped"): number {
  const lines = container.ask(`journalctl --no-pager -o cat -u ${unit}`).split("\n");
  return lines.filter((line) => line.includes(`"event":"${event}"`)).length;
}

function property(container: SystemdContainer, unit: string, name: string): string {
  return container.ask(`systemctl show --value --property=${name} ${unit}`).trim();
}

function done(what: string): void {
  passed += 1;
  process.stdout.write(`${what}\n`);
}
