// What of a company is not over, and word of each call that changes: one stream for the page.

import { api } from './api';
import type { CallRow } from './api/types';

/** After a refusal of the stream. */
const AGAIN_MS = 1_000;

export class Live {
  open = $state.raw<CallRow[]>([]);
  ready = $state(false);
  #stream: EventSource | null = null;

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
      this.#stream.addEventListener('call', (event) => this.#changed(JSON.parse((event as MessageEvent<string>).data) as CallRow));
      this.#stream.addEventListener('open', () => void this.read().catch(() => undefined));
      this.#stream.addEventListener('error', () => {
        if (this.#stream?.readyState !== EventSource.CLOSED) return;
        setTimeout(() => void this.read().then(begin, () => undefined), AGAIN_MS);
      });
    };
    begin();
    return () => {
      isOver = true;
      this.#stream?.close();
    };
  }

  async read(): Promise<void> {
    const before = this.open;
    this.open = await api.openCalls(this.c, this.site);
    this.ready = true;
    const now = new Set(this.open.map((call) => call.id));
    for (const call of before) if (!now.has(call.id)) this.ended(call);
  }

  #changed(call: CallRow): void {
    if (this.site && call.site.key !== this.site) return;
    const others = this.open.filter((known) => known.id !== call.id);
    if (call.over) {
      this.open = others;
      this.ended(call);
    } else {
      this.open = others.length < this.open.length ? this.open.map((known) => (known.id === call.id ? call : known)) : [call, ...this.open];
    }
  }
}
