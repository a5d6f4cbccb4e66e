// The company whose cabinet is open, and its sites: shared by the shell and the pages.

import { untrack } from 'svelte';

import { api } from './api';
import type { Customer, SiteSummary, VerifiedNumber } from './api/types';
import { language } from './i18n/index.svelte';
import { bare } from './phone';

class Company {
  now = $state.raw<Customer | null>(null);
  failed = $state.raw<unknown>(null);
  numbers = $state.raw<VerifiedNumber[]>([]);
  countries = $state.raw<NamedCountry[]>([]);
  #named = '';
  #asked = '';

  sites: SiteSummary[] = $derived((this.now?.sites ?? []).filter((site) => !site.archived_at));

  /** Opens a company; the same one again is only brought up to date. */
  async open(number: string): Promise<void> {
    this.#asked = number;
    // Whoever opens it from an effect does not mean to open it again when it is there.
    if (untrack(() => this.now?.number) !== number) this.now = null;
    try {
      const customer = await api.customer(number);
      if (this.#asked === number) [this.now, this.failed] = [customer, null];
    } catch (error) {
      if (this.#asked === number) this.failed = error;
    }
  }

  async refresh(): Promise<void> {
    if (this.now) await this.open(this.now.number);
  }

  site(key: string): SiteSummary | undefined {
    return this.now?.sites.find((site) => site.key === key);
  }

  async loadNumbers(): Promise<void> {
    const number = this.now?.number;
    if (number) this.numbers = await api.numbers(number);
  }

  isVerified(address: string): boolean {
    return this.numbers.some((number) => bare(number.phone) === bare(address));
  }

  async loadCountries(): Promise<void> {
    const of = language();
    if (this.#named === of) return;
    this.#named = of;
    this.countries = await countries(of);
  }
}

export const company = new Company();

export interface NamedCountry {
  code: string;
  name: string;
  /** Like `+7`. */
  calling_code: string;
}

/** Countries with their names in a language, in the order of its alphabet. */
export async function countries(of: string): Promise<NamedCountry[]> {
  const names = new Intl.DisplayNames([of], { type: 'region' });
  const list = (await api.countries()).map(({ code, calling_code }) => ({ code, name: names.of(code) ?? code, calling_code: `+${calling_code}` }));
  return list.sort((a, b) => a.name.localeCompare(b.name, of));
}
