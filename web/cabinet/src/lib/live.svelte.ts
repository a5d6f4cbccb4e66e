// What of a company is not over, and word of each call that changes: one stream for the page.

import { api } from './api';
import type { CallRow } from './api/types';

/** Changes of many calls are shown together, this long apart at least: the page costs the same however many there are. */
const TOGETHER_MS = 500;
/** After a refusal of the stream. */
const AGAIN_MS = 1_000;
const LONGEST_MS = 30_000;

export class Live {
  open = $state.raw<CallRow[]>([]);
  ready = $state(false);
  #stream: EventSource | null = null;
  /** What changed since it was shown. */
  #changed = new Map<string, CallRow>();
  #showing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly c: string,
    readonly site: string | null,
    /** A call came to its end. */
    readonly ended: (call: CallRow) => void = () => undefined,
  ) {}

  /**
   * Follows calls as they go on. The browser reconnects by itself after a cut, and gives up at a refusal: then it is asked
   * why, which waits for a service that is away and for a login that ended. Whatever was missed is read again.
   */
  follow(): () => void {
    let isOver = false;
    const begin = (): void => {
      if (isOver) return;
      this.#stream = new EventSource(api.callEvents(this.c));
      this.#stream.addEventListener('call', (event) => this.#change(JSON.parse((event as MessageEvent<string>).data) as CallRow));
      this.#stream.addEventListener('open', () => void read());
      this.#stream.addEventListener('error', () => {
        if (this.#stream?.readyState === EventSource.CLOSED) setTimeout(() => void read(begin), AGAIN_MS);
      });
    };
    // What is refused now is asked for again, ever later.
    const read = async (then: () => void = () => undefined, pause = AGAIN_MS): Promise<void> => {
      if (isOver) return;
      await this.read().then(then, () => setTimeout(() => void read(then, Math.min(pause * 2, LONGEST_MS)), pause));
    };
    begin();
    return () => {
      isOver = true;
      this.#stream?.close();
      clearTimeout(this.#showing);
    };
  }

  async read(): Promise<void> {
    const before = this.open;
    this.open = await api.openCalls(this.c, this.site);
    this.ready = true;
    const now = new Set(this.open.map((call) => call.id));
    for (const call of before) if (!now.has(call.id)) this.ended(call);
  }

  #change(call: CallRow): void {
    if (this.site && call.site.key !== this.site) return;
    this.#changed.set(call.id, call);
    if (this.#showing === undefined) this.#show();
  }

  #show(): void {
    this.#showing = this.#changed.size ? setTimeout(() => this.#show(), TOGETHER_MS) : undefined;
    const changed = this.#changed;
    this.#changed = new Map();
    const known = new Set(this.open.map((call) => call.id));
    const newest = [...changed.values()].filter((call) => !known.has(call.id)).reverse();
    this.open = [...newest, ...this.open.map((call) => changed.get(call.id) ?? call)].filter((call) => !call.over);
    for (const call of changed.values()) if (call.over) this.ended(call);
  }
}
