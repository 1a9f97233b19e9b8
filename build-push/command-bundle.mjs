// The command `crunch` in a few files, with what it needs of node_modules: it starts in half of the time that some
// hundred files take, and an image needs no node_modules.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);

/** Threads are started by an address beside the file that starts them: a chunk, so all of them lie here. */
const CHUNKS = "services/cli";

/**
 * Google's client imports this CommonJS module when a proxy is set, and takes its class by name; a bundle gives such a
 * module a default export alone.
 */
const namedProxyAgent = {
  name: "named-proxy-agent",
  setup({ onResolve, onLoad }) {
    const filter = /^https-proxy-agent$/;
    const namespace = "named";
    onResolve({ filter }, ({ kind, path, resolveDir }) =>
      kind === "dynamic-import" ? { path, namespace, pluginData: resolveDir } : undefined,
    );
    onLoad({ filter, namespace }, ({ path, pluginData }) => ({
      contents: `export { HttpsProxyAgent } from "${path}";`,
      resolveDir: pluginData,
    }));
  },
};

/**
 * Writes the files where the compiled sources would lie, so that bin/crunch.js and package.json work unchanged
 * beside them.
 *
 * @param dist folder of compiled sources
 * @param more other files to bundle, by what they become: path without ending -> source
 */
export async function bundleCommand(dist, more = {}) {
  await build({
    absWorkingDir: root,
    entryPoints: {
      [join(CHUNKS, "crunch")]: "services/cli/crunch.ts",
      [join(CHUNKS, "crunch-thread")]: "services/crunch-engine/pool/crunch-thread.ts",
      [join(CHUNKS, "name-thread")]: "services/crunch-engine/pool/name-thread.ts",
      [join(CHUNKS, "worker")]: join(dirname(require.resolve("piscina")), "worker.js"),
      ...more,
    },
    outdir: dist,
    chunkNames: `${CHUNKS}/[name]-[hash]`,
    allowOverwrite: true,
    bundle: true,
    // Chunks that are loaded only when they are used keep the start fast, and are shared between the threads' files.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    // Not minified: people read the stacks in logs and parked records, and an uncaught error prints its whole line.
    // Google's libraries look at names of classes, which a bundle may change otherwise.
    keepNames: true,
    legalComments: "linked",
    // Native code cannot be bundled; the other is an optional native part of piscina that no setting of ours uses.
    external: ["@duckdb/node-bindings", "@napi-rs/nice"],
    banner: {
      js: [
        'import { createRequire as bundleRequire } from "node:module";',
        "const require = bundleRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;",
      ].join("\n"),
    },
    plugins: [namedProxyAgent],
    logLevel: "warning",
  });
}
