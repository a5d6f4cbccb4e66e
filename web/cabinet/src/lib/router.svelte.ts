// The address bar as state, by the History API. Links are ordinary links; a click inside the cabinet does not load.

import { place, type Place } from './routes';

class Router {
  path = $state(location.pathname);
  search = $state.raw(new URLSearchParams(location.search));
  place: Place = $derived(place(this.path));
  /** The place whose page is on the screen: it follows `place` when the next page is loaded, so that the page that is
      left does not ask for what the next address has not. */
  shown = $state.raw<Place>(place(location.pathname));

  constructor() {
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#click(event));
  }

  /** Goes to an address of the cabinet. `still` keeps the scroll, for drawers and filters. */
  go(to: string, how: { replace?: boolean; still?: boolean } = {}): void {
    const move = how.replace ? 'replaceState' : 'pushState';
    history[move](null, '', to);
    this.#read();
    if (!how.still) scrollTo(0, 0);
  }

  #read(): void {
    this.path = location.pathname;
    this.search = new URLSearchParams(location.search);
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return;
    const to = new URL(link.href, location.href);
    // The outbox of letters and the API are the server's own pages; a jump inside the page is the browser's.
    const own = to.origin === location.origin && !/^\/(outbox|api|w)(\/|$)/.test(to.pathname);
    if (!own || (to.hash && to.pathname === location.pathname)) return;
    event.preventDefault();
    this.go(to.pathname + to.search, { still: link.dataset.still !== undefined });
  }
}

export const router = new Router();
