// Settings: drafts, published versions, and what is in them.

import type { Language, Problem } from './types';

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';
/** Intervals like `09:00-18:00`; one that ends before it begins goes over midnight. */
export type Week = Record<Day, string[]>;

export interface Manager {
  name: string;
  address: string;
  extension: string | null;
  extension_delay_s: number;
  accept_key: 'auto' | 'yes' | 'no';
  on: boolean;
  hours: Week | null;
}

export interface Office {
  name: string;
  time_zone: string | null;
  schedule: Week | null;
  managers: Manager[];
}

export interface Blocked {
  what: string;
  note: string;
  until: string | null;
}

export interface Exception {
  date: string;
  hours: string[];
}

export interface SiteBody {
  url: string;
  name: string;
  mode: 'together' | 'manager_first';
  strategy: 'linear' | 'random' | 'all';
  promise_seconds: number;
  rounds: number;
  ring_timeout_s: number;
  visitor_ring_timeout_s: number;
  total_time_s: number;
  delay_to_visitor_s: number;
  max_talk_s: number;
  announce: 'auto' | 'always' | 'never';
  language: Language;
  subdomains: boolean;
  pronunciation: string | null;
  own_recording: string | null;
  show_manager_name: boolean;
  caller_id_to_visitor: string;
  caller_id_to_manager: string;
  countries: string[];
  default_country: string | null;
  schedule: Week | null;
  exceptions: Exception[];
  blocked: Blocked[];
  own_managers: boolean;
  managers: Manager[];
  offices: Office[];
  own_missed_emails: boolean;
  missed_emails: string[];
  scenarios: Scenario[];
  quiet_days: number;
  content: Content;
  keyword_groups: KeywordGroup[];
  button_label: string | null;
  button_place: 'right' | 'left' | 'none';
  consent: boolean;
  consent_text: string | null;
  privacy_url: string | null;
  metrica: number | null;
  analytics: boolean;
  data_layer: boolean;
}

/** What the dialog says and how it looks; what is not here is inherited. */
export interface Content {
  title?: string | null;
  text?: string | null;
  button?: string | null;
  color?: string | null;
  layout?: 'center' | 'corner' | 'side' | 'sheet' | 'bar' | null;
}

export interface KeywordGroup {
  name: string;
  masks: string[];
  content: Content;
}

/** What must all be true of a visit. */
export interface Rule {
  source?: string[];
  keyword?: string[];
  page?: string[];
  device?: string[];
  country?: string[];
  visitor?: 'new' | 'returning';
  hours?: [from: number, until: number];
  since_order_days?: number;
  variables?: Record<string, string[]>;
  exit?: boolean;
  return_s?: number;
  event?: string;
  active_s?: number;
  within_s?: number;
  pages?: number;
  depth?: number;
  score?: number;
  idle_s?: number;
}

export interface Scenario {
  key: string;
  name: string;
  on: boolean;
  content: Content;
  /** One of them must hold. */
  rules: Rule[];
}

/** What became of dialogs, by the rule that showed them: `hot/2`; those that were opened by the button under an empty name. */
export type Shows = Record<string, { shown: number; opened: number; closed: number; ordered: number; connected: number }>;

/** Which scenario a made-up visitor comes to. */
export interface Tried {
  scenario: string | null;
  rule: number | null;
  /** Of each scenario, what of each rule does not hold. */
  scenarios: { key: string; on: boolean; misses: string[][] }[];
}

export interface CompanyBody {
  name: string;
  country: string;
  time_zone: string;
  language: Language;
  blocked: Blocked[];
  managers: Manager[];
  missed_emails: string[];
  missed_digest: boolean;
}

export interface Change {
  field: string;
  from: unknown;
  to: unknown;
}

export interface Conflict {
  field: string;
  yours: unknown;
  theirs: unknown;
  by: string;
  /** It was oneself, in another window. */
  own: boolean;
}

export interface Editor {
  name: string;
  at: string;
  fields: string[];
}

export interface DraftView<Body> {
  revision: number;
  body: Body;
  published: Body | null;
  version: number | null;
  changes: Change[];
  problems: Problem[];
  editors: Editor[];
  saved_at: string | null;
  saved_by: string | null;
  conflicts?: Conflict[];
}

export interface Published {
  version: number;
  previous: number | null;
}

export interface Version {
  version: number;
  author: string;
  at: string;
  changes: Change[];
}
