/** The page as the build left it, in memory: nothing else of the disk can be asked for. */
import { readFileSync } from "node:fs";

export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
}

const FILES: Readonly<Record<string, { readonly name: string; readonly contentType: string }>> = {
  "/": { name: "index.html", contentType: "text/html; charset=utf-8" },
  "/page.js": { name: "page.js", contentType: "text/javascript; charset=utf-8" },
  "/page.css": { name: "page.css", contentType: "text/css; charset=utf-8" },
  "/icon.svg": { name: "icon.svg", contentType: "image/svg+xml" },
};

/** By the path of their address. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  // The same from the compiled sources and from the bundle of the images, which lies in services/cli.
  const folder = new URL("../console/page/", import.meta.url);
  return new Map(
    Object.entries(FILES).map(([path, { name, contentType }]) => [
      path,
      { contentType, body: readFileSync(new URL(name, folder)) },
    ]),
  );
}
