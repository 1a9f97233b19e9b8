/**
 * Who of a list of servers answers. Asked before the client library dials, because the library
 * leaves the socket of a dial that gets no answer open, which would keep the process from ending.
 */
import { connect } from "node:net";

/** Why a server does not answer. */
export type Silence = "refused" | "unknown_host" | "timeout" | "not_nats";

/** `undefined` when the server says INFO, as every NATS server does first. */
export function probe(server: string, timeoutMs: number): Promise<Silence | undefined> {
  const url = new URL(`nats://${server}`);
  return new Promise((resolve) => {
    // An address in brackets is IPv6; sockets want it bare.
    const socket = connect(Number(url.port), url.hostname.replace(/^\[|\]$/g, ""));
    const deadline = setTimeout(() => answer("timeout"), timeoutMs);
    const answer = (silence: Silence | undefined): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(silence);
    };
    socket.once("error", (error: NodeJS.ErrnoException) => answer(silenceOf(error.code)));
    socket.once("close", () => answer("not_nats"));
    socket.once("data", (data) =>
      answer(data.toString("latin1").startsWith("INFO ") ? undefined : "not_nats"),
    );
  });
}

function silenceOf(code: string | undefined): Silence {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "unknown_host";
  return code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH" ? "timeout" : "refused";
}
