// What the service says of a site, written into the loader as it is served: few letters, for every page carries them.

import type { Facts, Rule } from './rules.ts';

/** What the dialog says first; what is not said here is said as usual. */
export interface Content {
  title?: string;
  text?: string;
  button?: string;
  /** Of the buttons, and what is read on it. */
  color?: string;
  on?: string;
  layout?: 'center' | 'corner' | 'side' | 'sheet' | 'bar';
}

/** A site's published settings, as its pages need them. */
export interface Config {
  /** The service's origin. */
  base: string;
  /** The site's key. */
  key: string;
  /** Hosts on which it is shown: the site's own, and below it where subdomains belong to it. */
  host: string;
  subdomains: boolean;
  language: 'ru' | 'en';
  /** What stands on the button. */
  label: string;
  place: 'right' | 'left' | 'none';
  /** ISO 3166, and the calling code that goes with it. */
  country: string;
  code: string;
  /** How its numbers are grouped: `3 3-2-2`. */
  grouping: string;
  /** What is promised, in seconds. */
  promise: number;
  /** After an order nothing is offered by itself for so many days. */
  quiet: number;
  /** Whom to offer a call by itself: the first that holds. */
  scenarios: [key: string, rules: Rule[], content: Content][];
  /** To all; and to who searched for something, the first that fits. */
  content: Content;
  groups: [masks: string[], content: Content][];
  /** What must be ticked before an order. */
  consent?: { text: string; version: string };
  /** Where it says what becomes of a number. */
  privacy?: string;
  /** Who is told of shows, orders and talks: the counter of Metrica, Analytics, `dataLayer`. */
  goals?: [metrica: number, analytics: boolean, dataLayer: boolean];
  /** What is said instead of a call, in a trial of a draft. */
  trial?: string;
  /** The files that come when they are needed. */
  files: { watch: string; dialog: string; words: string; countries: string };
}

/** A try that is offered. */
export interface Next {
  kind: 'slot' | 'again' | 'other_time' | 'fix_number';
  at?: string;
}

/** What can be promised now (`GET /w/v1/{key}/offer`). */
export interface Offer {
  /** None where it cannot be kept: it is closed, nobody can be called, or the line is down. */
  promise_seconds: number | null;
  /** When it could be called, where not now. */
  slots: string[];
  opens_at: string | null;
  /** Where the visitor is, by his address. */
  country: string | null;
  offices: { name: string; open: boolean; opens_at: string | null }[];
}

/** An order's state (`docs/api.md`). */
export interface Status {
  state: 'scheduled' | 'accepted' | 'calling_manager' | 'calling_visitor' | 'waiting' | 'talking' | 'ended';
  at: string;
  detail: { manager: string | null; late: boolean; cause: string | null; talk_s: number | null };
  next: Next[];
  disposition?: 'connected' | 'manager_no_answer' | 'visitor_no_answer' | 'not_called';
  reason?: string;
}

/** Why the dialog opened: `rule` by itself. */
export type Why = 'button' | 'rule' | 'api' | 'resume';

/** By which rule, as it is kept with the order: `hot/2`; and what its scenario says. */
export interface Shown {
  rule?: string;
  content?: Content;
  /** What a form of the page's own took. */
  phone?: string;
}

/** States, each with the seconds since the order was made. */
export type Told = [state: Status['state'], seconds: number][];

/** The order of this visit that was made last. */
export interface Placed {
  id: string;
  phone: string;
  /** By this browser's clock. */
  at: number;
  state: Status['state'];
  /** What was told of it, for a page that is loaded anew. */
  told: Told;
  /** When it is to be called, where that is later. */
  due?: string;
}

/** What a visit is known by, in the site's own storage: one for all tabs. */
export interface Visit {
  id: string;
  started: number;
  seen: number;
  landing: string;
  referrer: string;
  /** Whether there was one before. */
  returns: boolean;
  pages: number;
  /** Attention, in ms. */
  active: number;
  /** Points of activity: 10 for a click, 5 for a screen scrolled. */
  score: number;
  shown: boolean;
  /** Where he is, where a rule asks. */
  country?: string | null;
  variables: Record<string, string>;
  order?: Placed;
}

/** What the loader lends to the dialog. */
export interface Lent {
  config: Config;
  root: ShadowRoot;
  /** A new id (UUID). */
  id(): string;
  visit(): Visit;
  keep(change: Partial<Visit>): void;
  tell(event: 'shown' | 'opened' | 'closed' | 'ordered' | 'connected' | 'ended' | 'blocked' | 'twice', detail?: { id?: string; why?: Why; rule?: string | undefined; disposition?: string | undefined }): void;
  shown: Shown;
  /** The page that it was opened on. */
  opened_on: string;
}

/** The dialog's module. */
export interface Dialog {
  open(lent: Lent, why: Why): Promise<void>;
  close(): void;
}

/** What the loader lends to the one who watches. */
export interface Watched {
  config: Config;
  visit(): Visit;
  keep(change: Partial<Visit>): void;
  show(by: Shown): void;
  tell: Lent['tell'];
  /** Whether a host is the site's. */
  isOwn(host: string): boolean;
}

/** Its module. */
export interface Watcher {
  watch(of: Watched): Watching;
}

export interface Watching {
  /** A moment has come. */
  check(moment: Facts): void;
  /** What is said to who searched for that. */
  content: Content;
}
