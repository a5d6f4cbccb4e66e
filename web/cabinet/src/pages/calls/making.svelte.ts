// The file that is being made: it goes on while the reader is at another page.

import { fetchTable } from '../../lib/api/table';
import { t } from '../../lib/i18n/index.svelte';
import { sentence } from '../../lib/problems';
import { toasts } from '../../lib/toast.svelte';

/** Shorter ones are there before anybody reads of them. */
const LONG_MS = 500;

class Making {
  /** Its lines, those that are done, and whether it takes so long that it is shown. */
  now = $state<{ of: number; done: number; isLong: boolean } | null>(null);
  #stop: AbortController | null = null;

  cancel(): void {
    this.#stop?.abort();
  }

  /** Fetches a table of so many lines; one that was on its way is given up. */
  async take(path: string, lines: number): Promise<void> {
    this.cancel();
    const stop = (this.#stop = new AbortController());
    this.now = { of: lines, done: 0, isLong: false };
    const mine = this.now;
    const timer = setTimeout(() => (mine.isLong = true), LONG_MS);
    try {
      await fetchTable(path, (done) => (mine.done = Math.min(done, mine.of)), stop.signal);
      if (mine.isLong) toasts.say(t('export.ready', { n: mine.of }));
    } catch (error) {
      if (!stop.signal.aborted) toasts.say(sentence(error), { label: t('retry'), run: () => void this.take(path, lines) });
    } finally {
      clearTimeout(timer);
      if (this.#stop === stop) this.now = null;
    }
  }
}

export const making = new Making();
