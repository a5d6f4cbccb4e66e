// The journal of a company: pages of calls that are over.

import { api } from '../../lib/api';
import type { CallRow, Period, Totals } from '../../lib/api/types';

export class Journal {
  calls = $state.raw<CallRow[]>([]);
  period = $state.raw<Period | null>(null);
  totals = $state.raw<Totals | null>(null);
  next = $state<string | null>(null);
  loading = $state(false);

  constructor(
    readonly c: string,
    readonly asked: URLSearchParams,
  ) {}

  async more(): Promise<void> {
    this.loading = true;
    try {
      const asked = new URLSearchParams(this.asked);
      if (this.next) asked.set('after', this.next);
      const page = await api.calls(this.c, asked);
      const known = new Set(this.calls.map((call) => call.id));
      this.calls = [...this.calls, ...page.calls.filter((call) => !known.has(call.id))];
      this.period = page.period;
      this.totals = page.totals ?? this.totals;
      this.next = page.next;
    } finally {
      this.loading = false;
    }
  }

  /** Reads the first page again: something came to its end, or was done. What was read of later ones stays. */
  async again(): Promise<void> {
    const page = await api.calls(this.c, this.asked);
    // What stood among these and does so no more has left the filter.
    const last = page.next === null ? null : (page.calls.at(-1)?.id ?? null);
    const beyond = this.calls.findIndex((call) => call.id === last) + 1;
    const read = new Set(page.calls.map((call) => call.id));
    this.calls = [...page.calls, ...(last === null ? [] : this.calls.slice(beyond).filter((call) => !read.has(call.id)))];
    this.next ??= page.next;
    this.totals = page.totals;
  }

  /** One call was changed here. */
  put(call: CallRow): void {
    this.calls = this.calls.map((known) => (known.id === call.id ? call : known));
  }
}
