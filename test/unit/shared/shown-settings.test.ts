import assert from "node:assert/strict";
import { it } from "node:test";
import { shownSettings } from "../../../services/shared/shown-settings.js";

it("the settings of the start line are those that were given, without secrets", () => {
  const env = {
    NATS_URL: "user:pass@word@a:1,nats://token@b",
    SOURCE: "http-dir:http://me:se/cret@host/a?b=c@d",
    THREADS: "2",
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret",
    SOME_SEED: "SUAsecret",
    NAMESPACE: "",
  };
  const settings = { ...env, THREADS: 2, DRAIN_MS: 20_000, NAMESPACE: undefined };

  const shown = shownSettings({ ...settings, NATS_URL: "nats://user:pass@a:1,token@b" }, env);

  assert.deepEqual(shown, {
    NATS_URL: "nats://***@a:1,***@b",
    SOURCE: "http-dir:http://***@host/a?b=c@d",
    THREADS: 2,
    OTEL_EXPORTER_OTLP_HEADERS: "***",
    SOME_SEED: "***",
  });
});
