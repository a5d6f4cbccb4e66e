// The draft rehearsed by the server: calls really played, a week looked over. Asked for again with every revision; until
// it comes, the page draws its own estimate.

import { api } from './api';
import { ApiError } from './api/client';
import type { Rehearsal as View, SiteBody } from './api/types';
import type { Draft } from './draft.svelte';

export class Rehearsal {
  view = $state.raw<View | null>(null);
  /** The revision that it is of. */
  of = $state(-1);
  /** The draft has wrong fields: it cannot be played. */
  wrong = $state(false);
  #asked = -1;

  constructor(
    readonly key: string,
    readonly draft: Draft<SiteBody>,
  ) {}

  /** It shows what is written now. */
  fresh = $derived.by(() => this.view !== null && !this.wrong && !this.draft.saving && this.of === this.draft.view?.revision);

  /** Asks, where a new revision is there. */
  follow(revision: number | undefined, saving: boolean, again: unknown): void {
    void again;
    if (revision === undefined || saving) return;
    this.#asked = revision;
    void this.#ask(revision);
  }

  async #ask(revision: number): Promise<void> {
    try {
      const view = await api.rehearsal(this.key);
      if (this.#asked !== revision) return;
      [this.view, this.of, this.wrong] = [view, revision, false];
    } catch (error) {
      if (this.#asked !== revision) return;
      this.wrong = error instanceof ApiError && error.status === 422;
      if (!this.wrong) this.view = null;
    }
  }
}
