// The journal of a company: pages of calls, the newest first, and what the stream says of each.

import { api } from '../../lib/api';
import type { CallRow, Disposition } from '../../lib/api/types';

const PAGE = 50;
/** Pages that are read at once to find calls of one status. */
const READ_AT_ONCE = 4;
const ENOUGH = 20;
/** After a refusal of the stream. */
const AGAIN_MS = 1_000;

export class Journal {
  calls = $state.raw<CallRow[]>([]);
  next = $state<string | null>(null);
  loading = $state(false);
  #stream: EventSource | null = null;

  constructor(
    readonly c: string,
    readonly site: string | null,
    readonly status: Disposition | null,
  ) {}

  shown = $derived.by(() => (this.status ? this.calls.filter((call) => call.disposition === this.status) : this.calls));

  async more(): Promise<void> {
    this.loading = true;
    const enough = this.shown.length + ENOUGH;
    try {
      for (let read = 0; read < READ_AT_ONCE; read += 1) {
        const page = await api.calls(this.c, { limit: PAGE, ...(this.next ? { before: this.next } : {}), ...(this.site ? { site: this.site } : {}) });
        const known = new Set(this.calls.map((call) => call.id));
        this.calls = [...this.calls, ...page.calls.filter((call) => !known.has(call.id))];
        this.next = page.next;
        if (!this.next || this.shown.length >= enough) break;
      }
    } finally {
      this.loading = false;
    }
  }

  /**
   * Follows calls as they go on. The browser reconnects by itself after a cut, and gives up at a refusal: then it is asked
   * why, which waits for a service that is away and for a login that ended. Whatever was missed is read again.
   */
  follow(): () => void {
    let isOver = false;
    let isFirst = true;
    const begin = (): void => {
      if (isOver) return;
      this.#stream = new EventSource(api.callEvents(this.c));
      this.#stream.addEventListener('call', (event) => this.#changed(JSON.parse((event as MessageEvent<string>).data) as CallRow));
      this.#stream.addEventListener('open', () => {
        if (!isFirst) void this.#again();
        isFirst = false;
      });
      this.#stream.addEventListener('error', () => {
        if (this.#stream?.readyState !== EventSource.CLOSED) return;
        setTimeout(() => void this.#again().then(begin, () => undefined), AGAIN_MS);
      });
    };
    begin();
    return () => {
      isOver = true;
      this.#stream?.close();
    };
  }

  /** Reads the newest calls again. */
  async #again(): Promise<void> {
    const page = await api.calls(this.c, { limit: PAGE, ...(this.site ? { site: this.site } : {}) });
    for (const call of page.calls.reverse()) this.#changed(call);
  }

  #changed(call: CallRow): void {
    if (this.site && call.site.key !== this.site) return;
    const at = this.calls.findIndex((known) => known.id === call.id);
    this.calls = at < 0 ? [call, ...this.calls] : this.calls.map((known, i) => (i === at ? call : known));
  }
}
