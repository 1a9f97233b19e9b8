/** An engine's way to each NATS server, as one thing that can be disturbed. */
import { TcpProxy } from "../support/tcp-proxy.js";

export class EngineLink {
  readonly #proxies: readonly TcpProxy[];
  readonly #latencyMs: number;

  private constructor(proxies: readonly TcpProxy[], latencyMs: number) {
    this.#proxies = proxies;
    this.#latencyMs = latencyMs;
    this.heal();
  }

  /** @param latencyMs of the undisturbed link, each way */
  static async open(serverPorts: readonly number[], latencyMs: number): Promise<EngineLink> {
    return new EngineLink(await Promise.all(serverPorts.map((port) => TcpProxy.start(port))), latencyMs);
  }

  /** NATS_URL for the engine. */
  get url(): string {
    return this.#proxies.map(({ port }) => `nats://127.0.0.1:${String(port)}`).join(",");
  }

  blackhole(): void {
    for (const proxy of this.#proxies) proxy.blackhole();
  }

  cut(): void {
    for (const proxy of this.#proxies) proxy.cut();
  }

  cutAfter(bytes: number): void {
    for (const proxy of this.#proxies) proxy.cutAfter(bytes);
  }

  latency(ms: number): void {
    for (const proxy of this.#proxies) proxy.latency(ms);
  }

  slow(bytesPerSecond: number): void {
    for (const proxy of this.#proxies) proxy.slow(bytesPerSecond);
  }

  heal(): void {
    for (const proxy of this.#proxies) {
      proxy.heal();
      proxy.latency(this.#latencyMs);
      proxy.slow(Number.POSITIVE_INFINITY);
    }
  }

  /** Takes the latency of the undisturbed link away, so that what is left goes fast. */
  hurry(): void {
    this.heal();
    this.latency(0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}
