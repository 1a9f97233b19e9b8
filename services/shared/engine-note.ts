/** Who is running: each engine's note of itself, for `crunch status`. */
import { hostname } from "node:os";
import type { EngineContext } from "./engine.js";
import type { Notes } from "./notes.js";
import { VERSION } from "./product.js";

/** First word of these notes. */
export const ENGINE_NOTES = "engine";
/** How often an engine says that it is there, in milliseconds. */
export const SHOW_EVERY_MS = 5_000;
/** The note of an engine that has said nothing for this long is removed, in milliseconds. */
const FORGET_AFTER_MS = 600_000;

/** What an engine says of itself. */
export interface EngineNote {
  readonly engineId: string;
  readonly service: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Its source, cruncher or sink. */
  readonly about: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly atMs: number;
}

/** Keeps the note fresh until the engine ends, and removes it then. */
export function showEngine(context: EngineContext, service: string, notes: Notes, about: string): void {
  const { engineId } = context;
  const key = `${ENGINE_NOTES}.${engineId.replace(/[^\w-]/g, "_")}`;
  const startedAtMs = Date.now();
  const fixed = {
    engineId,
    service,
    version: VERSION,
    host: hostname(),
    pid: process.pid,
    about,
    startedAtMs,
  };
  let showing: Promise<unknown> = Promise.resolve();
  const show = (): void => {
    const note: EngineNote = { ...fixed, atMs: Date.now() };
    // While the server is away nobody can read it either.
    showing = notes.write(key, note).catch(() => undefined);
  };
  const timer = setInterval(show, SHOW_EVERY_MS);
  timer.unref();
  show();
  void forgetDead(notes).catch(() => undefined);
  context.defer(async () => {
    clearInterval(timer);
    await showing;
    await notes.remove(key).catch(() => undefined);
  });
}

async function forgetDead(notes: Notes): Promise<void> {
  for (const { key, value } of await notes.all(ENGINE_NOTES)) {
    if (Date.now() - (value as EngineNote).atMs > FORGET_AFTER_MS) await notes.remove(key);
  }
}
