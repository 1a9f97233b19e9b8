/** The console's page in a real Chromium. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

export type { Browser };

const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
const PATIENCE_MS = 60_000;

/** Every figure on the page by its place in `crunch status --json`; null is the text "null". */
export type Figures = Readonly<Record<string, number | null>>;

/** What the page shows at one moment, and when that was looked at. */
export interface Shown {
  readonly figures: Figures;
  /** State by engine. */
  readonly engines: Readonly<Record<string, string>>;
  readonly lookedFromMs: number;
  readonly lookedUntilMs: number;
  readonly readAtMs: number;
}

const READ = `(() => {
  const look = document.querySelector("time[data-looked-until]").dataset;
  const figures = [...document.querySelectorAll("[data-figure]")];
  const engines = [...document.querySelectorAll("[data-engine]")];
  return {
    figures: Object.fromEntries(figures.map(({ dataset, value }) => [dataset.figure, JSON.parse(value)])),
    engines: Object.fromEntries(engines.map(({ dataset }) => [dataset.engine, dataset.state])),
    lookedFromMs: Number(look.lookedFrom),
    lookedUntilMs: Number(look.lookedUntil),
    readAtMs: Date.now(),
  };
})()`;

/** Undefined where there is no Chromium. */
export async function startChromium(): Promise<Browser | undefined> {
  if (!existsSync(CHROMIUM)) return undefined;
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  return chromium.launch({ executablePath: CHROMIUM, args, timeout: PATIENCE_MS });
}

export class ConsolePage {
  readonly page: Page;
  readonly #url: string;
  readonly #problems: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
  }

  /** Opens the page and waits for its first figures. */
  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<ConsolePage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const opened = new ConsolePage(page, url);
    page.on("pageerror", (error) => opened.#problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        opened.#problems.push(`${message.text()} (${message.location().url})`);
      }
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url)) opened.#problems.push(`asks ${request.url()}`);
    });
    await page.goto(url);
    await opened.ready();
    return opened;
  }

  async ready(): Promise<void> {
    await this.page.waitForSelector("[data-figure=published]");
  }

  /** Errors in the browser's console, and requests to elsewhere, but for answers with these words. */
  problems(except?: RegExp): readonly string[] {
    return this.#problems.filter((problem) => except?.test(problem) !== true);
  }

  read(): Promise<Shown> {
    return this.page.evaluate<Shown>(READ);
  }

  /** Pixels by which the page is wider than the window. */
  tooWide(): Promise<number> {
    return this.page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
  }

  /** What has the focus, as its tag and text, and whether that can be seen. */
  focused(): Promise<{ readonly name: string; readonly isVisible: boolean }> {
    return this.page.evaluate(`(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const name = (element.tagName + " " + (element.getAttribute("aria-label") ?? element.textContent)).trim();
      return { name: name.slice(0, 60), isVisible: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
    })()`);
  }

  /** Lowest contrast of a text to what lies behind it, with the text. WCAG asks for 4.5. */
  lowestContrast(): Promise<{ readonly contrast: number; readonly text: string }> {
    return this.page.evaluate(LOWEST_CONTRAST);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  get url(): string {
    return this.#url;
  }
}

const LOWEST_CONTRAST = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e !== null; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if ((colour[3] ?? 1) > 0) return colour;
    }
    return [255, 255, 255];
  };
  let lowest = { contrast: 21, text: "" };
  for (const element of document.querySelectorAll("main *, header *")) {
    const text = [...element.childNodes].find((n) => n.nodeType === 3 && n.data.trim() !== "");
    if (text === undefined || element.closest("[aria-hidden=true], :disabled") !== null) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < lowest.contrast) lowest = { contrast, text: text.data.trim().slice(0, 40) };
  }
  return lowest;
})()`;
