/** A TCP proxy inside the test process that can do to a connection what networks do. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #ways = new Set<Way>();
  readonly #targetPort: number;
  #isBlackholed = false;
  #latencyMs = 0;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #bytesUntilCut = Number.POSITIVE_INFINITY;

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
   * bring swallowed bytes back, so connections from before stay broken, as after a lost route. Bytes
   * that were only delayed go on at once.
   */
  blackhole(): void {
    this.#isBlackholed = true;
  }

  heal(): void {
    this.#isBlackholed = false;
    for (const { to, waiting } of this.#ways) for (const data of waiting.splice(0)) to.write(data);
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

  /** Lets so many bytes a second through, each way of each connection, from now on. */
  slow(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resets every open connection once so many more bytes have passed, in the middle of what is sent then. */
  cutAfter(bytes: number): void {
    this.#bytesUntilCut = bytes;
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
      const way: Way = { from, to, waiting: [], freeAtMs: 0 };
      this.#sockets.add(from);
      this.#ways.add(way);
      from.setNoDelay(true);
      from.on("data", (data) => this.#pass(data, way));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        this.#ways.delete(way);
        to.destroy();
      });
    }
  }

  #pass(data: Buffer, way: Way): void {
    const { from, to, waiting } = way;
    if (this.#isBlackholed || this.#mute.has(from) || this.#mute.has(to)) {
      this.#swallowed.add(from);
      this.#swallowed.add(to);
      return;
    }
    if (data.length > this.#bytesUntilCut) {
      to.write(data.subarray(0, this.#bytesUntilCut), () => this.cut());
      this.#bytesUntilCut = Number.POSITIVE_INFINITY;
      return;
    }
    this.#bytesUntilCut -= data.length;
    const nowMs = performance.now();
    way.freeAtMs = Math.max(way.freeAtMs, nowMs) + (data.length * 1_000) / this.#bytesPerSecond;
    const waitMs = way.freeAtMs - nowMs + this.#latencyMs;
    if (waitMs === 0 && waiting.length === 0) {
      to.write(data);
      return;
    }
    // A timer says when, the line says what: bytes keep their order also when the delay changes.
    waiting.push(data);
    setTimeout(() => {
      const next = waiting.shift();
      if (next !== undefined) to.write(next);
    }, waitMs);
  }
}

/** One direction of one connection. */
interface Way {
  readonly from: Socket;
  readonly to: Socket;
  /** Delayed bytes, in order. */
  readonly waiting: Buffer[];
  /** When the bytes before have passed a slow link. */
  freeAtMs: number;
}
