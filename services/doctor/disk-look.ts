import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { DiskLook } from "./checks/disk-room.js";

/** The disk that a folder is on, or will be on: of one that is absent the nearest that is there. */
export async function lookAtDisk(folder: string): Promise<DiskLook> {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  return { folder: there, freeBytes: bavail * bsize };
}
