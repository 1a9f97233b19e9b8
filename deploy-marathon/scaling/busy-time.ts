/** What one crunch-engine says of its threads. */
export interface ThreadsLook {
  /** Address and start time: another process has counted from zero. */
  readonly process: string;
  readonly threads: number;
  /** Messages given to threads and not yet answered. */
  readonly jobsInHand: number;
  /** Time that its threads have spent on messages since it started, in seconds; counted when a message is done. */
  readonly crunchSeconds: number;
}

/** How busy the threads of all engines are, since the first look after {@link restart}. */
export class BusyTime {
  readonly #first = new Map<string, { readonly crunchSeconds: number; readonly atMs: number }>();

  restart(): void {
    this.#first.clear();
  }

  /**
   * @param atMs of a clock that only goes forward
   * @returns 0 to 1; undefined when no engine was seen
   */
  add(engines: readonly ThreadsLook[], atMs: number): number | undefined {
    let spent = 0;
    let time = 0;
    let busyNow = 0;
    let threadsNow = 0;
    for (const { process, threads, jobsInHand, crunchSeconds } of engines) {
      threadsNow += threads;
      busyNow += Math.min(threads, jobsInHand);
      const first = this.#first.get(process);
      if (first === undefined) {
        this.#first.set(process, { crunchSeconds, atMs });
      } else {
        spent += crunchSeconds - first.crunchSeconds;
        time += (threads * (atMs - first.atMs)) / 1_000;
      }
    }
    if (threadsNow === 0) return undefined;
    // A message that takes longer than the look is counted only when it is done, but it is in hand.
    return Math.min(1, Math.max(time > 0 ? spent / time : 0, busyNow / threadsNow));
  }
}
