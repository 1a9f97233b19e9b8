/** A TCP proxy inside the test process that can do to a connection what networks do. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #targetPort: number;
  #isBlackholed = false;
  #latencyMs = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#serve(client));
  }

  /** A proxy on a free port of 127.0.0.1 for a port of the same machine. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Swallows every byte, both ways, while connections look open: a half-open link. Healing does not
   * bring swallowed bytes back, so connections from before stay broken, as after a lost route.
   */
  blackhole(): void {
    this.#isBlackholed = true;
  }

  heal(): void {
    this.#isBlackholed = false;
    for (const socket of this.#sockets) if (this.#swallowed.has(socket)) this.#mute.add(socket);
  }

  /** Resets every open connection; new ones are served. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Delays every byte, each way, from now on. */
  latency(ms: number): void {
    this.#latencyMs = ms;
  }

  async close(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Connections that lost bytes. */
  readonly #swallowed = new WeakSet<Socket>();
  /** Connections that are dead for good although they look open. */
  readonly #mute = new WeakSet<Socket>();

  #serve(client: Socket): void {
    const target = connect(this.#targetPort, "127.0.0.1");
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (data) => this.#pass(data, from, to));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  #pass(data: Buffer, from: Socket, to: Socket): void {
    if (this.#isBlackholed || this.#mute.has(from) || this.#mute.has(to)) {
      this.#swallowed.add(from);
      this.#swallowed.add(to);
      return;
    }
    if (this.#latencyMs === 0) to.write(data);
    else setTimeout(() => to.write(data), this.#latencyMs);
  }
}
