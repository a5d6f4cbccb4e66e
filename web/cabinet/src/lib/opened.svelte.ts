// What of a page is open, as a part of its address: a colleague who is sent it sees the same, and Back closes it.

import { router } from './router.svelte';

export class Opened {
  #isHere = false;
  /** The address that it was closed at: the browser goes back a moment later. */
  #closedAt = $state.raw<URLSearchParams | null>(null);

  constructor(readonly name: () => string) {}

  get value(): string | null {
    return router.search === this.#closedAt ? null : router.search.get(this.name());
  }

  open(value: string): void {
    this.#isHere = true;
    router.go(this.#address(value), { still: true });
  }

  close(): void {
    if (this.value === null) return;
    this.#closedAt = router.search;
    // What was opened here is taken back; what an address led to is left.
    if (this.#isHere) history.back();
    else router.go(this.#address(null), { still: true, replace: true });
    this.#isHere = false;
  }

  #address(value: string | null): string {
    const search = new URLSearchParams(router.search);
    // The field that the address led to has been reached.
    search.delete('field');
    if (value === null) search.delete(this.name());
    else search.set(this.name(), value);
    return `${router.path}${search.size ? `?${search}` : ''}`;
  }
}
