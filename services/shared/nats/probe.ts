/**
 * Who of a list of servers answers. Asked before the client library dials, because the library
 * leaves the socket of a dial that gets no answer open, which would keep the process from ending.
 */
import { connect } from "node:net";

/** Why a server does not answer. */
export type Silence = "refused" | "unknown_host" | "timeout" | "not_nats";

/** What a server says before anybody is known to it. */
export interface Greeting {
  /** It closes the connection of whoever shows no certificate that it trusts, often without a word. */
  readonly demandsCertificate: boolean;
}

/** Every NATS server says INFO first. */
export function probe(server: string, timeoutMs: number): Promise<Greeting | Silence> {
  const url = new URL(`nats://${server}`);
  return new Promise((resolve) => {
    // An address in brackets is IPv6; sockets want it bare.
    const socket = connect(Number(url.port), url.hostname.replace(/^\[|\]$/g, ""));
    const deadline = setTimeout(() => answer("timeout"), timeoutMs);
    const answer = (greeting: Greeting | Silence): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(greeting);
    };
    socket.once("error", (error: NodeJS.ErrnoException) => answer(silenceOf(error.code)));
    socket.once("close", () => answer("not_nats"));
    socket.once("data", (data) => {
      const text = data.toString("latin1");
      const demandsCertificate = /"tls_verify":\s*true/.test(text);
      answer(text.startsWith("INFO ") ? { demandsCertificate } : "not_nats");
    });
  });
}

function silenceOf(code: string | undefined): Silence {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "unknown_host";
  return code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH" ? "timeout" : "refused";
}
