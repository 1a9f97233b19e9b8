import type { Rule } from "./rule.js";
import { portNamesOf } from "./rule.js";

const isOfMesos = ({ protocol }: { readonly protocol: string }): boolean => protocol.startsWith("MESOS_");

/** Health and readiness checks. */
export const healthRules: readonly Rule[] = [
  {
    name: "health-check-has-a-port",
    check: ({ app }) => {
      const ports = portNamesOf(app).length;
      return (app.healthChecks ?? []).flatMap(({ protocol, port, portIndex }) => {
        if (protocol === "COMMAND") return [];
        if (port !== undefined && portIndex !== undefined) {
          return ["healthChecks: port and portIndex: must not both be given"];
        }
        if (port !== undefined) return [];
        if (portIndex === undefined) {
          return ports === 1
            ? []
            : [`healthChecks: portIndex or port is needed, because the app has ${String(ports)} ports`];
        }
        return portIndex < ports
          ? []
          : [
              `healthChecks: portIndex ${String(portIndex)}: must be below ${String(ports)}, the number of ports`,
            ];
      });
    },
  },
  {
    name: "health-check-says-how",
    check: ({ app }) =>
      (app.healthChecks ?? []).flatMap(({ protocol, command, path }) => {
        if ((protocol === "COMMAND") !== (command !== undefined)) {
          return [
            `healthChecks: command: goes with the protocol COMMAND, and only with it; it is ${protocol}`,
          ];
        }
        return path !== undefined && !protocol.includes("HTTP")
          ? [`healthChecks: path "${path}": only with HTTP and HTTPS; the protocol is ${protocol}`]
          : [];
      }),
  },
  {
    name: "one-kind-of-health-check",
    check: ({ app: { healthChecks = [] } }) => {
      const ofMesos = healthChecks.filter(isOfMesos);
      if (ofMesos.length > 1)
        return [`healthChecks: ${String(ofMesos.length)} of MESOS_*: must be at most 1`];
      const others = healthChecks.filter((check) => !isOfMesos(check) && check.protocol !== "COMMAND");
      return ofMesos.length > 0 && others.length > 0
        ? [`healthChecks: ${others[0]?.protocol ?? ""}: must not stand beside a check of MESOS_*`]
        : [];
    },
  },
  {
    name: "mesos-health-check-allows-a-failure",
    check: ({ app: { healthChecks = [] } }) =>
      healthChecks
        .filter((check) => isOfMesos(check) && check.maxConsecutiveFailures === 0)
        .map(
          () =>
            "healthChecks: maxConsecutiveFailures 0: must be at least 1; with HTTP 0 means never, but with MESOS_* it kills at the first failure",
        ),
  },
  {
    name: "readiness-check-names-a-port",
    check: ({ app }) =>
      (app.readinessChecks ?? [])
        .filter(({ portName }) => !portNamesOf(app).includes(portName))
        .map(
          ({ portName }) => `readinessChecks: portName "${portName}": must be the name of a port of the app`,
        ),
  },
  {
    name: "readiness-check-ends-before-the-next",
    check: ({ app }) =>
      (app.readinessChecks ?? [])
        .filter(({ timeoutSeconds, intervalSeconds }) => timeoutSeconds >= intervalSeconds)
        .map(
          ({ timeoutSeconds, intervalSeconds }) =>
            `readinessChecks: timeoutSeconds ${String(timeoutSeconds)}: must be below intervalSeconds ${String(intervalSeconds)}`,
        ),
  },
];
