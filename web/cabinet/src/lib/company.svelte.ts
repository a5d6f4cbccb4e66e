// The company whose cabinet is open, and its sites: shared by the shell and the pages.

import { api } from './api';
import type { Country, Customer, SiteSummary, VerifiedNumber } from './api/types';
import { language } from './i18n/index.svelte';
import { bare } from './phone';

class Company {
  now = $state.raw<Customer | null>(null);
  failed = $state.raw<unknown>(null);
  numbers = $state.raw<VerifiedNumber[]>([]);
  countries = $state.raw<Country[]>([]);
  #asked = '';

  sites: SiteSummary[] = $derived((this.now?.sites ?? []).filter((site) => !site.archived_at));

  /** Opens a company; the same one again is only brought up to date. */
  async open(number: string): Promise<void> {
    this.#asked = number;
    if (this.now?.number !== number) this.now = null;
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
    if (this.now) this.numbers = await api.numbers(this.now.number);
  }

  isVerified(address: string): boolean {
    return this.numbers.some((number) => bare(number.phone) === bare(address) && (number.state ?? 'verified') === 'verified');
  }

  async loadCountries(): Promise<void> {
    if (!this.countries.length) this.countries = await countries(language());
  }
}

export const company = new Company();

/** Calling codes of the countries that are offered where the service lists none. */
const COMMON: Record<string, string> = {
  RU: '+7', BY: '+375', KZ: '+7', AM: '+374', AZ: '+994', GE: '+995', KG: '+996', MD: '+373', TJ: '+992', UZ: '+998', UA: '+380', RS: '+381', TR: '+90',
  DE: '+49', FR: '+33', GB: '+44', IT: '+39', ES: '+34', PL: '+48', CZ: '+420', FI: '+358', SE: '+46', NL: '+31', IL: '+972', AE: '+971', US: '+1', CA: '+1',
};

/** Countries with their names in a language. */
export async function countries(of: string): Promise<Country[]> {
  try {
    return await api.countries(of);
  } catch {
    const names = new Intl.DisplayNames([of], { type: 'region' });
    return Object.entries(COMMON).map(([code, calling_code]) => ({ code, name: names.of(code) ?? code, calling_code }));
  }
}
