import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writevSync } from "node:fs";

/** Each ID belongs to one by its hash; a question reads the pages of one. */
const PARTITION_BITS = 12;
const PARTITIONS = 2 ** PARTITION_BITS;
const PAGE_IDS = 256;
/** An ID is two words, the lower half first. */
const PAGE_WORDS = 2 * PAGE_IDS;
const PAGE_BYTES = 4 * PAGE_WORDS;
const FIRST_PAGES = 1_024;
/** Written together. */
const PAGES_PER_WRITE = 256;
/** Before the first page of a partition. */
const NONE = -1;

/**
 * All IDs ever added, to be asked for a few: 8 bytes an ID in a file that has no name and ends with the process,
 * and in memory 8 MiB and a byte for each 64. Pages that cannot be written stay in memory until they can.
 */
export class IdPages {
  readonly #pathPrefix: string;
  #file: number | undefined;
  /** The page of each partition that is being filled. */
  readonly #tails = new Uint32Array(PARTITIONS * PAGE_WORDS);
  readonly #tailIds = new Uint16Array(PARTITIONS);
  /** The newest full page of each partition, and of each page the one before it. */
  readonly #newest = new Int32Array(PARTITIONS).fill(NONE);
  #before = new Int32Array(FIRST_PAGES);
  /** Full pages that are in the file; those after them are in memory. */
  #written = 0;
  readonly #unwritten: Uint32Array[] = [];
  readonly #page = new Uint32Array(PAGE_WORDS);

  /** @param pathPrefix of the file, which is made with the first full page and is never seen in its folder */
  constructor(pathPrefix: string) {
    this.#pathPrefix = pathPrefix;
  }

  /** Adds the IDs of places `from` to `to`. */
  addAll(ids: BigInt64Array, from: number, to: number): void {
    const words = new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    const tails = this.#tails;
    const tailIds = this.#tailIds;
    for (let place = 2 * from; place < 2 * to; place += 2) {
      const low = words[place] ?? 0;
      const high = words[place + 1] ?? 0;
      const partition = partitionOf(low, high);
      const count = tailIds[partition] ?? 0;
      const at = partition * PAGE_WORDS + 2 * count;
      tails[at] = low;
      tails[at + 1] = high;
      if (count + 1 === PAGE_IDS) this.#turn(partition);
      else tailIds[partition] = count + 1;
    }
  }

  /**
   * @returns false if one of the IDs was added more than once
   * @throws Error if the file cannot be read
   */
  areOnce(ids: readonly bigint[]): boolean {
    const words = new Uint32Array(BigInt64Array.from(ids).buffer);
    const asked = new Map<number, Asked[]>();
    for (let at = 0; at < words.length; at += 2) {
      const one = { low: words[at] ?? 0, high: words[at + 1] ?? 0, found: 0 };
      const partition = partitionOf(one.low, one.high);
      const others = asked.get(partition);
      if (others === undefined) asked.set(partition, [one]);
      else others.push(one);
    }
    for (const [partition, some] of asked) if (!this.#areOnceIn(partition, some)) return false;
    return true;
  }

  /** Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #areOnceIn(partition: number, asked: readonly Asked[]): boolean {
    const start = partition * PAGE_WORDS;
    const tail = this.#tails.subarray(start, start + 2 * (this.#tailIds[partition] ?? 0));
    if (!countIn(tail, asked)) return false;
    for (let page = this.#newest[partition] ?? NONE; page !== NONE; page = this.#before[page] ?? NONE) {
      if (!countIn(this.#read(page), asked)) return false;
    }
    return true;
  }

  /** The tail of a partition is full: it becomes a page. */
  #turn(partition: number): void {
    const page = this.#written + this.#unwritten.length;
    if (page === this.#before.length) {
      const longer = new Int32Array(2 * page);
      longer.set(this.#before);
      this.#before = longer;
    }
    const start = partition * PAGE_WORDS;
    this.#unwritten.push(this.#tails.slice(start, start + PAGE_WORDS));
    this.#before[page] = this.#newest[partition] ?? NONE;
    this.#newest[partition] = page;
    this.#tailIds[partition] = 0;
    if (this.#unwritten.length % PAGES_PER_WRITE === 0) this.#write();
  }

  #write(): void {
    try {
      this.#file ??= openUnnamed(this.#pathPrefix);
      const bytes = writevSync(this.#file, this.#unwritten, this.#written * PAGE_BYTES);
      // A page of which the disk took a part is written again.
      const pages = Math.floor(bytes / PAGE_BYTES);
      this.#unwritten.splice(0, pages);
      this.#written += pages;
    } catch {
      // DuckDB, which writes to the same disk, tells people that it is full.
    }
  }

  #read(page: number): Uint32Array {
    const unwritten = this.#unwritten[page - this.#written];
    if (unwritten !== undefined) return unwritten;
    const bytes = readSync(this.#file ?? 0, this.#page, 0, PAGE_BYTES, page * PAGE_BYTES);
    if (bytes !== PAGE_BYTES) throw new Error(`the file of IDs ends in page ${String(page)}`);
    return this.#page;
  }
}

/** An ID that is looked for. */
interface Asked {
  readonly low: number;
  readonly high: number;
  found: number;
}

/** @returns false once one was found more than once */
function countIn(words: Uint32Array, asked: readonly Asked[]): boolean {
  for (const one of asked) {
    const { low, high } = one;
    for (let at = 0; at < words.length; at += 2) {
      if (words[at] !== low || words[at + 1] !== high) continue;
      one.found += 1;
      if (one.found > 1) return false;
    }
  }
  return true;
}

function partitionOf(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ high, 0xc2b2ae35);
  return hash >>> (32 - PARTITION_BITS);
}

/** A file that is gone when it is closed, however the process ends. */
function openUnnamed(pathPrefix: string): number {
  const path = `${pathPrefix}${randomUUID()}`;
  const file = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return file;
}
