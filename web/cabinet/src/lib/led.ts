// What stands on a page among others has an address too: `?office=Казань` leads to it.

import { router } from './router.svelte';

/** The link of something whose address is its own: who comes by it finds it in sight, and focused. */
export const led = (name: string, value: string) => (link: HTMLElement): void => {
  if (router.search.get(name) !== value) return;
  link.scrollIntoView({ block: 'center' });
  link.focus({ preventScroll: true });
};
