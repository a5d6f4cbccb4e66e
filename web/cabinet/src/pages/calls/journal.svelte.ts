// The journal of a company: pages of calls, the newest first, and what the stream says of each.

import { api } from '../../lib/api';
import type { CallRow, Disposition } from '../../lib/api/types';

const PAGE = 50;
/** Pages that are read at once to find calls of one status. */
const READ_AT_ONCE = 4;
const ENOUGH = 20;

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

  /** Follows calls as they go on; the browser reconnects by itself. */
  follow(): () => void {
    this.#stream = new EventSource(api.callEvents(this.c));
    this.#stream.addEventListener('call', (event) => this.#changed(JSON.parse((event as MessageEvent<string>).data) as CallRow));
    return () => this.#stream?.close();
  }

  #changed(call: CallRow): void {
    if (this.site && call.site.key !== this.site) return;
    const at = this.calls.findIndex((known) => known.id === call.id);
    this.calls = at < 0 ? [call, ...this.calls] : this.calls.map((known, i) => (i === at ? call : known));
  }
}
