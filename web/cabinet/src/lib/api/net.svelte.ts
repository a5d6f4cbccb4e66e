// Whether the service can be reached. One watcher asks again with growing pauses; whoever waits is told by a promise.

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** How long an answer may take: before some a sentence is spoken. */
const LONGEST_ANSWER_MS = 30_000;

class Net {
  /** The service does not answer. */
  offline = $state(false);
  #waiting: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE_MS;

  /** The service did not answer: ask again until it does. */
  lost(): void {
    if (this.offline) return;
    this.offline = true;
    this.#pause = FIRST_PAUSE_MS;
    this.#later();
  }

  /** The service answered. */
  found(): void {
    if (!this.offline) return;
    this.offline = false;
    clearTimeout(this.#timer);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when the service can be reached. */
  online(): Promise<void> {
    return this.offline ? new Promise((wake) => this.#waiting.push(wake)) : Promise.resolve();
  }

  /** Asks at once. */
  async ask(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const answer = await reach('/api/v1/service', { cache: 'no-store' });
      if (answer.status < 500) return this.found();
    } catch {
      // Still away; the next question follows.
    }
    this.#later();
  }

  #later(): void {
    this.#timer = setTimeout(() => void this.ask(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}

export const net = new Net();

/** Asks the service. An answer that does not begin in time is none: who takes connections and stands still is away too. */
export async function reach(address: string, how: RequestInit): Promise<Response> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), LONGEST_ANSWER_MS);
  try {
    return await fetch(address, { ...how, signal: how.signal ? AbortSignal.any([how.signal, limit.signal]) : limit.signal });
  } finally {
    clearTimeout(timer);
  }
}
