// Who is logged in. A login that ends in the middle of work is asked for again over the page, and nothing is lost.

import { api } from './api';
import { onSessionOver, speakAs } from './api/client';
import type { Me, Role, Service } from './api/types';
import { forgetDrafts, onForbidden } from './draft.svelte';
import { proposed, speak } from './i18n/index.svelte';

/** Under which key of the tab's storage it stands who typed there. */
const TYPIST = 'typist';

class Session {
  me = $state.raw<Me | null>(null);
  service = $state.raw<Service | null>(null);
  /** The login ended, and a page waits for the next one. */
  over = $state(false);
  #waiting: (() => void)[] = [];

  /** Finds out who is logged in, and which service this is. */
  async begin(): Promise<void> {
    void api.service().then((service) => (this.service = service), () => undefined);
    const { me } = await api.session();
    if (me) await this.entered(me);
    else await speak(proposed());
  }

  /** Somebody logged in. */
  async entered(me: Me): Promise<void> {
    // What another person typed in this tab is not shown to the next one, though the page was loaded anew between them.
    if (sessionStorage.getItem(TYPIST) !== me.user.id) forgetDrafts();
    sessionStorage.setItem(TYPIST, me.user.id);
    this.me = me;
    onSessionOver(() => {
      this.over = true;
      return new Promise((wake) => this.#waiting.push(wake));
    });
    speakAs(me.user.id);
    onForbidden(() => void api.me().then((now) => (this.me = now), () => undefined));
    await speak(me.user.language);
    this.over = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async leave(): Promise<void> {
    await api.logout().catch(() => undefined);
    forgetDrafts();
    // A whole new page: no state of the last user stays in memory.
    location.assign('/login');
  }

  role(number: string): Role | null {
    return this.#at(number)?.role ?? null;
  }

  /** A manager without a telephone: no call is his own. */
  isUntied(number: string): boolean {
    const at = this.#at(number);
    return at?.role === 'manager' && at.telephones.length === 0;
  }

  #at(number: string) {
    return this.me?.memberships.find((member) => member.number === number);
  }
}

export const session = new Session();

const rights = {
  calls: ['owner', 'manager', 'marketer'],
  answer: ['owner', 'manager'],
  settings: ['owner', 'marketer'],
  change: ['owner'],
  team: ['owner'],
  money: ['owner', 'accountant'],
} satisfies Record<string, Role[]>;

/** Whether a role may do something; the server decides, this only hides what it would refuse. */
export const may = (role: Role | null, what: keyof typeof rights): boolean => role !== null && (rights[what] as Role[]).includes(role);
