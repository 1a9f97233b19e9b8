import type { Note, Notes } from "../notes.js";

/** Notes of this process. Values are copied as JSON copies them, as on their way to a server. */
export class MemoryNotes implements Notes {
  readonly #notes = new Map<string, Note>();
  #revision = 0;

  read(key: string): Promise<Note | undefined> {
    return Promise.resolve(this.#notes.get(key));
  }

  write(key: string, value: unknown, expected?: number): Promise<boolean> {
    const revision = this.#notes.get(key)?.revision ?? 0;
    if (expected !== undefined && expected !== revision) return Promise.resolve(false);
    this.#revision += 1;
    this.#notes.set(key, {
      key,
      value: JSON.parse(JSON.stringify(value)) as unknown,
      revision: this.#revision,
    });
    return Promise.resolve(true);
  }

  all(first: string): Promise<readonly Note[]> {
    return Promise.resolve([...this.#notes.values()].filter(({ key }) => key.startsWith(`${first}.`)));
  }

  remove(key: string): Promise<void> {
    this.#notes.delete(key);
    return Promise.resolve();
  }
}
