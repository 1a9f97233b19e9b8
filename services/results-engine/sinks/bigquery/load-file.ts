/** A batch as the lines of one file, and where lines begin. */
import { promisify } from "node:util";
import { createGzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { Readable, Writable } from "node:stream";
import type { BatchMessage, BatchNote, Piece } from "./load-journal.js";
import { fileOf } from "./load-journal.js";
import type { Spool } from "./load-spool.js";
import type { RowEncoder, RowRequest } from "./rows.js";
import type { Batch } from "../sink.js";

const LINE_END = 0x0a;
const BRACE = 0x7b;
const nextTurn = promisify(setImmediate);

/** What a batch came to. Rows that BigQuery would refuse for certain are in `rejected` of their messages. */
export interface WrittenLines {
  readonly bytes: number;
  readonly lines: number;
  readonly late: number;
}

/**
 * Writes the rows of a batch as newline-delimited JSON, in order.
 *
 * @param messages one for each part of the batch
 */
export async function writeLines(
  spool: Spool,
  note: BatchNote,
  batch: Batch,
  messages: readonly BatchMessage[],
  encoder: RowEncoder,
  nowMs: number,
): Promise<WrittenLines> {
  const rows = encoder.rows(batch);
  const written = { bytes: 0, lines: 0, late: 0 };
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (
      let request = encoder.next(rows, nowMs);
      request !== undefined;
      request = encoder.next(rows, nowMs)
    ) {
      const lines = linesOf(request);
      written.bytes += lines.length;
      written.lines += request.count;
      for (const late of request.late.subarray(0, request.count)) written.late += late;
      yield lines;
      // Heartbeats of the messages go on meanwhile.
      await nextTurn();
    }
  };
  await spool.write(fileOf(note), pieces());
  for (const { part, row, reason } of rows.rejected) messages[part]?.rejected.push({ row, reason });
  return written;
}

/** The rows of an insertAll body as lines: what follows `{"insertId":"...","json":` up to the last brace. */
function linesOf({ body, count, starts, ends }: RowRequest): Buffer {
  const lines = Buffer.allocUnsafe(body.length);
  let at = 0;
  for (let row = 0; row < count; row++) {
    // An insertId is digits and dashes, so the next brace opens the row itself.
    const start = body.indexOf(BRACE, (starts[row] ?? 0) + 1);
    at += body.copy(lines, at, start, (ends[row] ?? 0) - 1);
    lines[at++] = LINE_END;
  }
  return lines.subarray(0, at);
}

/** The lines of a piece as an upload takes them. */
export async function mediaOf(spool: Spool, note: BatchNote, piece: Piece, gzips: boolean): Promise<Buffer> {
  const lines = Readable.from(spool.range(fileOf(note), piece.firstByte, piece.endByte));
  const chunks: Buffer[] = [];
  const collect = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  if (gzips) await pipeline(lines, createGzip({ level: 1 }), collect);
  else await pipeline(lines, collect);
  return Buffer.concat(chunks);
}

/** Cuts a piece of several lines into halves, which are new pieces with jobs of their own. */
export async function halvesOf(
  spool: Spool,
  note: BatchNote,
  piece: Piece,
): Promise<readonly [Piece, Piece]> {
  const lines = piece.lines >> 1;
  let seen = 0;
  let at = piece.firstByte;
  search: for await (const chunk of spool.range(fileOf(note), piece.firstByte, piece.endByte)) {
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, end + 1)) {
      if (++seen < lines) continue;
      at += end + 1;
      break search;
    }
    at += chunk.length;
  }
  const fresh = { attempt: 0, state: "waiting" } as const;
  const { firstByte, endByte, firstLine } = piece;
  return [
    { ...fresh, firstByte, endByte: at, firstLine, lines },
    { ...fresh, firstByte: at, endByte, firstLine: firstLine + lines, lines: piece.lines - lines },
  ];
}

/** Which row of which message a line of the file is. */
export function rowOfLine(note: BatchNote, line: number): { message: BatchMessage; row: number } | undefined {
  let before = 0;
  for (const message of note.messages) {
    const unwritten = new Set(
      message.rejected.filter(({ written }) => written !== true).map(({ row }) => row),
    );
    const lines = message.rows - unwritten.size;
    if (line >= before + lines) {
      before += lines;
      continue;
    }
    let left = line - before;
    for (let row = 0; ; row++) {
      if (unwritten.has(row)) continue;
      if (left-- === 0) return { message, row };
    }
  }
  return undefined;
}
