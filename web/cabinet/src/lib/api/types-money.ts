// What a company has, pays and is charged.

import type { Disposition } from './types-calls';

/** What a company has. Amounts are decimals with a point, as texts. */
export interface Balance {
  currency: string;
  balance: string;
  reserved: string;
  /** What calls may take: less what is held, with the credit. */
  free: string;
  credit_limit: string;
  minutes: number | null;
  usual: { site: string; visitor: string | null; minutes: number; price: string } | null;
  spent_7d: string;
  lasts_days: number | null;
  held: Held[];
  /** Whether one can pay here. */
  pays: boolean;
  practice: boolean;
}

/** A call, for whoever sees money. */
export interface MoneyCall {
  /** None for a role that sees no calls. */
  call: string | null;
  phone: string;
  site: string;
  disposition: Disposition | null;
}

export interface Held extends MoneyCall {
  amount: string;
}

export interface StatementLine {
  id: number;
  at: string;
  what: string;
  call: MoneyCall | null;
  /** By way of whom a payment came; none where it was booked by hand. */
  provider: string | null;
  amount: string;
  balance: string;
}

export interface StatementPage {
  currency: string;
  lines: StatementLine[];
  next: number | null;
}

export interface Minutes {
  first_minute: string;
  next_minute: string;
}

export interface Priced extends Minutes {
  initial_s: number;
  increment_s: number;
  with_manager: Minutes | null;
}

export interface Price {
  phone: string;
  country: string;
  region: string | null;
  currency: string;
  /** None where it is not called. */
  price: Priced | null;
}

export interface Payment {
  payment: string;
  at: string;
  amount: string;
  currency: string;
  state: 'waiting' | 'paid' | 'failed';
  url: string | null;
}

/** What a call was charged, leg by leg. */
export interface Charged {
  currency: string;
  paid: string | null;
  held: string | null;
  legs: { leg: number; seconds: number; price: string }[];
}
