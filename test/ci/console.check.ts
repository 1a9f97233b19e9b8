/**
 * The console's page in Chromium beside `crunch status --json`, while engines are killed and started: for
 * CONSOLE_CHECK_SECONDS. With CONSOLE_SCREENSHOTS=docs it writes the pictures of the docs.
 */
import assert from "node:assert/strict";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../services/status/status-report.js";
import { ConsolePage, startChromium } from "../support/console-page.js";
import type { Browser } from "../support/console-page.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { StatusWatch, figureIn } from "../support/status-watch.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const SECONDS = Number(process.env.CONSOLE_CHECK_SECONDS ?? "60");
const SCREENSHOTS = process.env.CONSOLE_SCREENSHOTS;
const MAX_SCREENSHOT_BYTES = 200_000;
const TOKEN = "correct-horse-battery";
const PATIENCE_MS = 90_000;
/** Figures over the looks of one process, which another process has at other moments. */
const RATE = "PerSecond";
/** Shown as soon as the page has the look that follows. */
const FRESH_MS = 2_000;
/** Of which one may fall into a pause of the machine. */
const MIN_READS = 3;
/** Without the file it is well. */
const CRUNCHER = `
import { existsSync } from "node:fs";
export default ({ ID, Data }) => {
  if (ID % 2_500n === 7n && existsSync("fault")) throw new RangeError("no route for " + Data + ": the table ends before");
  return Data * 3n;
};
`;

const browser = await startChromium();
if (browser === undefined) {
  process.stdout.write("skipped: there is no Chromium at CHROMIUM_BIN or /usr/bin/chromium\n");
  process.exit(0);
}
const folder = tempFolder();
const passed: string[] = [];
const nats = await NatsServer.start();
const env = {
  NATS_URL: nats.url,
  NAMESPACE: "flights",
  SINK: "duckdb:rows.duckdb",
  CRUNCHER: "./cruncher.mjs",
};
const engines = new Set<CrunchProcess>();
const served = new CrunchProcess(["console", "--json"], { ...env, CONSOLE_PORT: "0", CONSOLE_TOKEN: TOKEN });
let watch: StatusWatch | undefined;
try {
  writeFileSync(join(folder.path, "cruncher.mjs"), CRUNCHER);
  writeFileSync(join(folder.path, "fault"), "");
  await until(() => served.stdout !== "", PATIENCE_MS, "the address");
  const { url } = JSON.parse(served.stdout) as { url: string };
  const data = start("data", { SOURCE: "synthetic:?rate=2000", RUN_ID: "check" });
  let crunchers = [start("engine"), start("engine")];
  let results = start("results");
  const page = await ConsolePage.open(browser, url);
  watch = new StatusWatch(env);

  const endMs = performance.now() + SECONDS * 1_000;
  for (let round = 0; performance.now() < endMs || round < 3; round += 1) {
    await comparedFor(page, watch, Math.min(8_000, (SECONDS * 1_000) / 8));
    const [oldest, ...others] = crunchers;
    oldest?.kill(round % 2 === 0 ? "SIGKILL" : "SIGTERM");
    if (round % 3 === 1) {
      results.kill("SIGKILL");
      await results.exited;
      results = start("results");
    }
    crunchers = [...others, start("engine")];
  }
  assert.ok(watch.looks > 3, "crunch status was heard");
  done(`the figures are those of crunch status through ${String(SECONDS)} s of engines that come and go`);

  const [killed] = crunchers;
  await killed?.started(PATIENCE_MS);
  await page.page.locator(`tr:has-text("${String(killed?.pid)}")`).waitFor();
  killed?.kill("SIGKILL");
  const rows = page.page.locator(`tr.gone:has-text("${String(killed?.pid)}")`);
  await rows.waitFor();
  await page.page.locator(`.finding.warn:has-text("gone")`).first().waitFor();
  done("an engine that was killed is shown as gone");
  await pictures(browser, url, page);

  data.kill("SIGTERM");
  await until(() => data.ended, PATIENCE_MS, "the end of the data-engine");
  await isEqual(page);
  done("every figure and engine equals crunch status --json when all is stored");

  await page.page.reload();
  await page.ready();
  const label = async (): Promise<string> =>
    (await page.page.locator("[role=img]").first().getAttribute("aria-label")) ?? "";
  const hasRate = async (): Promise<boolean> =>
    /^Throughput, the last 15 minutes. Now: published [\d,.]+K?\/s/.test(await label());
  await until(hasRate, PATIENCE_MS, "the throughput now");
  await until(() => hasDrawing(page), PATIENCE_MS, "the lines of the past");
  done("a page that is loaded again has the past");

  await walkByKeyboard(page);
  await replayOne(page);
  assert.deepEqual(page.problems(/\/replay\)$/), [], "errors in the browser");
  done("no error in the browser, and no request to elsewhere");
  await page.close();
  await looksRight(browser, url);
} finally {
  await watch?.stop();
  for (const process_ of [...engines, served]) process_.kill("SIGTERM");
  await Promise.all([...engines, served].map((process_) => process_.exited));
  await browser.close();
  await nats.stop();
  folder.remove();
}
process.stdout.write(`${String(passed.length)} passed, 0 failed\n`);

function start(role: string, more: Readonly<Record<string, string>> = {}): CrunchProcess {
  const engine = new CrunchProcess([role], { ...env, THREADS: "1", ...more }, folder.path);
  engines.add(engine);
  return engine;
}

/** Reads the page again and again; the counters of each look lie between those of crunch status. */
async function comparedFor(page: ConsolePage, status: StatusWatch, ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  const ages: number[] = [];
  while (performance.now() < endMs || ages.length < MIN_READS) {
    const shown = await page.read();
    ages.push(shown.readAtMs - shown.lookedUntilMs);
    let wrong: readonly string[] | undefined;
    await until(
      () => (wrong = status.wrongIn(shown)) !== undefined,
      PATIENCE_MS,
      "the next looks of crunch status",
    );
    assert.deepEqual(wrong, []);
  }
  // Of a machine that pauses, the half that it did not pause in.
  const middle = ages.sort((a, b) => a - b)[Math.floor(ages.length / 2)] ?? 0;
  assert.ok(middle <= FRESH_MS, `the figures of the page are ${String(middle)} ms old`);
}

async function isEqual(page: ConsolePage): Promise<void> {
  let differences: readonly string[] = [];
  const look = async (): Promise<boolean> => {
    const { lastLine } = await runCrunch(["status", "--json"], { env });
    const status = JSON.parse(lastLine) as Status;
    const { figures, engines: shownEngines } = await page.read();
    differences = Object.entries(figures)
      .filter(([name, value]) => !name.endsWith(RATE) && figureIn(status, name) !== value)
      .map(([name, value]) => `${name}: ${String(value)}, not ${String(figureIn(status, name))}`);
    const states = Object.fromEntries(status.engines.map(({ engineId, state }) => [engineId, state]));
    if (JSON.stringify(sorted(shownEngines)) !== JSON.stringify(sorted(states)))
      differences = [...differences, "engines"];
    return status.outstanding === 0 && differences.length === 0 && Object.keys(figures).length > 15;
  };
  await until(look, PATIENCE_MS, "equal figures").catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}: ${differences.join("; ")}`);
  });
}

function sorted(states: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(states).sort(([a], [b]) => a.localeCompare(b));
}

/** True once the chart of the throughput has more than its axes. */
function hasDrawing(page: ConsolePage): Promise<boolean> {
  return page.page.evaluate(`(() => {
    const canvas = document.querySelector(".plot canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const isBlue = (i) => data[i + 3] > 100 && data[i + 2] > data[i] + 60;
    let blue = 0;
    for (let i = 0; i < data.length; i += 4) if (isBlue(i)) blue += 1;
    return blue > 50;
  })()`);
}

/** From the first Tab to an open item and back, without a pointer; what has the focus can always be seen. */
async function walkByKeyboard(shown: ConsolePage): Promise<void> {
  const { page } = shown;
  const seen: string[] = [];
  const reach = async (wanted: RegExp): Promise<void> => {
    for (let press = 0; press < 40; press += 1) {
      await page.keyboard.press("Tab");
      const { name, isVisible } = await shown.focused();
      seen.push(name);
      if (!name.startsWith("BODY")) assert.ok(isVisible, `the focus on ${name} cannot be seen`);
      if (wanted.test(name)) return;
    }
    assert.fail(`Tab does not reach ${wanted.source}: ${seen.join(", ")}`);
  };
  await reach(/^A Skip to the account/);
  await reach(/^BUTTON .*cruncher_threw/);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".items .item");
  await reach(/^BUTTON .*no route for/);
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open] .facts");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog[open]", { state: "detached" });
  assert.match((await shown.focused()).name, /no route for/, "the focus goes back to what was opened");
  done("everything can be reached and opened with the keyboard");
}

async function replayOne({ page }: ConsolePage): Promise<void> {
  const parkedNow = async (): Promise<number> =>
    Number(await page.getAttribute("[data-figure='parkedNow.cruncher_threw']", "value"));
  const before = await parkedNow();
  await page.locator(".item").first().click();
  const dialog = page.locator("dialog[open]");
  const text = (await dialog.locator(".facts").innerText()).replaceAll("\n", " ");
  assert.match(text, /reason cruncher_threw/);
  assert.match(text, /came from flights-DATA \d+/);
  assert.match(await dialog.locator("pre").first().innerText(), /^RangeError: no route for -?\d+/);
  assert.match(await dialog.locator("pre").nth(1).innerText(), /^\{"ID":"\d+","Data":"-?\d+","Meta":/);
  assert.match(await dialog.locator("pre").nth(2).innerText(), /^00000000 {2}08 /);
  done("a parked record shows its reason, its origin and its payload");

  rmSync(join(folder.path, "fault"));
  const answer = dialog.locator("[role=status]");
  await dialog.locator("input").fill(`${TOKEN}-of-another`);
  await dialog.locator("button.main").click();
  await page.waitForSelector("dialog .warning:has-text('not the token')");
  await dialog.locator("input").fill(TOKEN);
  await dialog.locator("button.main").click();
  await page.waitForSelector("dialog .well:has-text('is replayed')");
  assert.match(await answer.innerText(), /^\d+ is replayed$/);
  await page.keyboard.press("Escape");
  await until(async () => (await parkedNow()) === before - 1, PATIENCE_MS, "one parked record less");
  done("a replay needs the token, and takes the record out of what is parked");
}

/** On a phone and in the dark: nothing is wider than the window, every text can be read. */
async function looksRight(browser: Browser, url: string): Promise<void> {
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, options] of Object.entries({ phone, desk: {} })) {
      const shown = await ConsolePage.open(browser, url, {
        colorScheme,
        ...options,
      });
      await shown.page.locator(".reason").first().click();
      await shown.page.waitForSelector(".items .item");
      assert.equal(await shown.tooWide(), 0, `${name}, ${colorScheme}: wider than the window`);
      const { contrast, text } = await shown.lowestContrast();
      assert.ok(contrast >= 4.5, `${name}, ${colorScheme}: contrast ${contrast.toFixed(2)} of "${text}"`);
      assert.deepEqual(shown.problems(), []);
      await shown.close();
    }
  }
  done("it fits 360 pixels, in light and in dark, with a contrast of 4.5 or more");
}

async function pictures(browser: Browser, url: string, live: ConsolePage): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  await live.page.locator(".reason").first().click();
  await live.page.waitForSelector(".items .item");
  await picture(live, "console-light.png");
  const dark = await ConsolePage.open(browser, url, { colorScheme: "dark" });
  await picture(dark, "console-dark.png");
  await dark.close();
  const viewport = { width: 360, height: 1_100 };
  const phone = await ConsolePage.open(browser, url, {
    viewport,
    isMobile: true,
  });
  await picture(phone, "console-phone.png");
  await phone.close();
}

async function picture(shown: ConsolePage, name: string): Promise<void> {
  const path = join(SCREENSHOTS ?? "", name);
  await until(() => hasDrawing(shown), PATIENCE_MS, "the charts");
  await shown.page.screenshot({ path, animations: "disabled" });
  const { size } = statSync(path);
  assert.ok(size < MAX_SCREENSHOT_BYTES, `${path}: ${String(size)} bytes`);
}

function done(what: string): void {
  passed.push(what);
  process.stdout.write(`${what}\n`);
}
