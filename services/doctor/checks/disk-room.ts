/** Free bytes of the disks that messages and rows are kept on. */
import type { Finding } from "../finding.js";

export interface DiskFacts {
  /** Where the sink keeps its rows; undefined if not on this machine. */
  readonly sinkDisk: DiskLook | undefined;
  /** Where the NATS server keeps its messages; a text says why that is not known. */
  readonly storeDisk: DiskLook | string;
  /** Bytes that the streams hold already. */
  readonly storedBytes: number;
  readonly streamMaxBytes: number;
  readonly batchMaxBytes: number;
}

/** Room on the disk of a folder. */
export interface DiskLook {
  readonly folder: string;
  readonly freeBytes: number;
}

const STREAMS = 3;

export function checkDiskRoom(facts: DiskFacts): Finding[] {
  return [...checkSink(facts), ...checkStore(facts)];
}

function checkSink({ sinkDisk, batchMaxBytes, streamMaxBytes }: DiskFacts): Finding[] {
  if (sinkDisk === undefined) return [];
  const { folder, freeBytes } = sinkDisk;
  // Rows and their log lie beside each other until the log is written into the file.
  const batchBytes = 2 * batchMaxBytes;
  if (freeBytes >= batchBytes && freeBytes >= streamMaxBytes) return [];
  const isShort = freeBytes < batchBytes;
  return [
    {
      level: isShort ? "error" : "warning",
      setting: `disk of SINK (${folder})`,
      value: `${String(freeBytes)} bytes free`,
      limit: `at least ${String(isShort ? batchBytes : streamMaxBytes)}`,
      problem: isShort
        ? `there is no room for two batches of BATCH_MAX_BYTES=${String(batchMaxBytes)}`
        : `there is less room than one full stream holds (STREAM_MAX_BYTES=${String(streamMaxBytes)})`,
      why: "a results-engine whose disk is full pauses and goes on when there is room; nothing is lost, nothing is stored either",
    },
  ];
}

function checkStore({ storeDisk, storedBytes, streamMaxBytes }: DiskFacts): Finding[] {
  const why =
    "a stream that is full pushes back on the source, but a disk that is full stops the NATS server, some versions until they are killed and started again";
  if (typeof storeDisk === "string") {
    return [
      {
        level: "info",
        setting: "disk of the NATS server",
        value: "",
        limit: `at least ${String(STREAMS * streamMaxBytes)} bytes for ${String(STREAMS)} streams of STREAM_MAX_BYTES=${String(streamMaxBytes)}`,
        problem: `not checked: ${storeDisk}`,
        why,
      },
    ];
  }
  const neededBytes = STREAMS * streamMaxBytes - storedBytes;
  if (storeDisk.freeBytes >= neededBytes) return [];
  return [
    {
      level: "warning",
      setting: "STREAM_MAX_BYTES",
      value: String(streamMaxBytes),
      limit: `at most ${String(Math.floor((storeDisk.freeBytes + storedBytes) / STREAMS))}`,
      problem: `${String(STREAMS)} full streams need ${String(neededBytes)} bytes more and the disk of ${storeDisk.folder} has ${String(storeDisk.freeBytes)}`,
      why,
    },
  ];
}
