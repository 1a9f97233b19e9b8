// The import rules of the house: who may know whom, and where each outside library lives.
import { importX } from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import tseslint from "typescript-eslint";

const engines = ["data-engine", "crunch-engine", "results-engine"];

/** Each outside library has one home; everyone else goes through it. */
const homes = {
  nats: ["services/shared/nats/**", "test/**"],
  pino: ["services/shared/logger.ts"],
  "pino-pretty": ["services/shared/logger.ts"],
  "@opentelemetry/api": ["services/shared/trace/otlp/**", "test/**"],
  "@opentelemetry/core": ["services/shared/trace/otlp/**", "test/**"],
  "@opentelemetry/exporter-trace-otlp-http": ["services/shared/trace/otlp/**"],
  "@opentelemetry/resources": ["services/shared/trace/otlp/**"],
  "@opentelemetry/sdk-trace": ["services/shared/trace/otlp/**"],
  "prom-client": ["services/shared/metrics.ts"],
  piscina: ["services/crunch-engine/pool/**"],
  "@duckdb/node-api": [
    "services/shared/duckdb.ts",
    "services/shared/duckdb-chunk.ts",
    "services/shared/duckdb-columns.ts",
    "test/**",
    "examples/**",
  ],
  "@duckdb/node-bindings": ["services/shared/duckdb-chunk.ts", "services/shared/duckdb-columns.ts"],
  "@google-cloud/bigquery": ["services/results-engine/sinks/bigquery/**", "test/**"],
  "@google-cloud/bigquery-storage": [],
  "@google-cloud/bigquery-storage/build/src/v1/big_query_write_client.js": [
    "services/results-engine/sinks/bigquery/**",
    "test/**",
  ],
  "@grpc/grpc-js": ["services/results-engine/sinks/bigquery/**", "services/fake-bigquery/**", "test/**"],
  "@grpc/proto-loader": ["services/fake-bigquery/**"],
  "google-auth-library": ["services/results-engine/sinks/bigquery/**", "test/**"],
  "@bufbuild/protobuf": [
    "services/shared/codec/**",
    "services/results-engine/sinks/row-schema.ts",
    "test/**",
  ],
  zod: [
    "services/shared/config.ts",
    "services/*/config.ts",
    "deploy-marathon/{config,api/answers,definition/definition}.ts",
    "test/**",
  ],
  commander: ["services/cli/**", "deploy-marathon/{deploy,run-command,scale}.ts", "test/**"],
  echarts: ["test/**"],
  "@resvg/resvg-js": ["test/**"],
  preact: ["services/console/page/**"],
  "preact/hooks": ["services/console/page/**"],
  uplot: ["services/console/page/**"],
  "playwright-core": ["test/support/console-page.ts"],
  "@peculiar/x509": ["services/nats-config/certificates.ts"],
  "reflect-metadata": ["services/nats-config/certificates.ts"],
  "node:worker_threads": ["services/crunch-engine/pool/**", "test/**"],
};

/** Zones of import-x/no-restricted-paths: files of `target` may not import from `from`. */
const zones = [
  { target: "./services/shared/**", from: "./services/!(shared)/**", message: "shared knows no engine" },
  ...engines.map((engine) => ({
    target: `./services/${engine}/**`,
    from: [...engines.filter((other) => other !== engine), "cli", "local", "console"].map(
      (other) => `./services/${other}/**`,
    ),
    message: "engines never import each other, the CLI, the launcher or the console",
  })),
  {
    target: "./services/console/**",
    from: "./services/!(console|shared|status|parked)/**",
    message: "the console shows what status and parked say, and knows no engine",
  },
  {
    target: "./services/!(console|cli)/**",
    from: "./services/console/**",
    message: "only the command line knows the console",
  },
  {
    target: "./services/console/page/**",
    from: ["./services/!(console)/**/*", "./services/console/!(console-look.ts|page)"],
    except: ["**/shared/codec/plain-rows.ts", "**/status/status-report.ts"],
    message: "the page knows the types of what it is sent",
  },
  {
    target: "./services/fake-bigquery/**",
    from: "./services/!(fake-bigquery|shared)/**",
    message: "the fake is another program's BigQuery: it knows nothing of ours",
  },
  {
    target: "./services/*-engine/**",
    from: "./services/fake-bigquery/**",
    message: "no engine is made for the fake",
  },
  {
    target: "./services/doctor/{at-start,finding}.ts",
    from: ["./services/*-engine/**", "./services/cli/**", "./services/local/**"],
    message: "engines use this, so it knows none of them",
  },
  {
    target: "./deploy-marathon/**",
    from: ["./services/!(shared|cli)/**", "./services/cli/!(setting-options).ts"],
    message: "deploying knows the engines by their HTTP addresses only",
  },
  {
    target: ["./deploy-marathon/**"],
    from: ["./services/shared/nats/**", "./services/shared/memory/**"],
    message: "deploying never sees NATS",
  },
  {
    target: "./services/**",
    from: "./deploy-marathon/**",
    message: "the product does not know where it is deployed",
  },
  {
    target: ["./services/*/sources/**", "./services/*/crunchers/**", "./services/*/sinks/**"],
    from: ["./services/shared/nats/**", "./services/shared/memory/**"],
    message: "plug-ins never see NATS",
  },
  {
    target: "./services/!(shared)/**",
    from: "./services/shared/trace/otlp/**",
    message: "loaded by open-tracer.ts only, when there is a collector",
  },
  {
    target: ["./services/*/pipeline.ts"],
    from: ["./services/shared/nats/**", "./services/shared/memory/**"],
    message: "a pipeline knows interfaces only",
  },
];

const restricted = (forFiles) =>
  Object.entries(homes)
    .filter(([, allowed]) => !allowed.includes(forFiles))
    .map(([name, allowed]) => ({
      name,
      message:
        allowed.length === 0
          ? `${name} loads far more than we use`
          : `${name} lives in ${allowed.join(", ")}`,
    }));

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "proto/gen/", "coverage/"] },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { "import-x": importX },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver()] },
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "it", "describe", "suite"] },
          ],
        },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: true }],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones }],
      "no-restricted-imports": ["error", { paths: restricted("") }],
      "max-lines": ["error", { max: 300 }],
    },
  },
  ...Object.entries(
    // One override per home: there, every library whose home it is may be imported.
    Object.entries(homes).reduce((byHome, [, allowed]) => {
      for (const home of allowed) byHome[home] = true;
      return byHome;
    }, {}),
  ).map(([home]) => ({
    files: [home],
    rules: { "no-restricted-imports": ["error", { paths: restricted(home) }] },
  })),
  {
    // Settings are read at the edge and handed on as an object.
    files: ["services/**/*.ts", "deploy-marathon/**/*.ts"],
    ignores: ["services/cli/**", "services/shared/engine.ts", "deploy-marathon/{deploy,scale}.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "read settings at the edge" },
      ],
    },
  },
);
