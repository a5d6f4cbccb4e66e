// What the API says and hears, as docs/api.md and its OpenAPI document have it. Instants are RFC 3339 in UTC.

export * from './types-calls';
export * from './types-money';
export * from './types-settings';

export type Role = 'owner' | 'manager' | 'marketer' | 'accountant';
export type Language = 'ru' | 'en';

/** One wrong field. */
export interface Problem {
  field: string;
  code: string;
  detail: string;
  params?: Record<string, unknown>;
}

export interface Service {
  practice: boolean;
  outbox: boolean;
  /** Letters leave by a mail server. */
  mails: boolean;
  languages: Language[];
  /** What is to be said of the database of regions. */
  regions_by: string | null;
  /** In practice, the login of a company to look around in. */
  demo: { email: string; password: string } | null;
}

export interface Me {
  user: { id: string; email: string; name: string; language: Language; totp: boolean; recovery_codes?: number };
  memberships: { number: string; company: string; role: Role; telephones: string[] }[];
  operator: boolean;
}

export interface Registered {
  number: string;
  email: string;
}

export interface EmailConfirmed {
  state: 'done' | 'other_side_needed';
  email: string;
}

export interface InvitationView {
  number: string;
  company: string;
  email: string;
  role: Role;
  inviter: string;
  known: boolean;
}

export interface LoginSession {
  id: string;
  current: boolean;
  created_at: string;
  seen_at: string;
  ip: string;
  device: string;
}

export interface SiteSummary {
  key: string;
  name: string;
  url: string;
  version: number | null;
  published_at: string | null;
  author: string | null;
  changes: number;
  archived_at: string | null;
}

export interface Customer {
  number: string;
  name: string;
  email: string;
  country: string;
  time_zone: string;
  language: Language;
  max_calls: number;
  role: Role;
  /** Whether anybody was called for it yet. */
  has_calls: boolean;
  /** Which numbers its calls may show: any, or these. */
  lines: { any: boolean; numbers: string[] };
  /** Its calls are charged, so that it has a balance. */
  is_charged: boolean;
  sites: SiteSummary[];
}

/** A telephone of the company that was verified. */
export interface VerifiedNumber {
  phone: string;
  at: string;
}

export interface Verifying {
  phone: string;
  calls_left: number;
  expires_at: string;
  /** In practice the telephone is the service's own: what it heard. */
  heard?: string | null;
}

export interface Member {
  user_id: string | null;
  invitation_id: string | null;
  name: string | null;
  email: string;
  role: Role;
  state: 'active' | 'invited';
  since: string;
  totp: boolean;
  you: boolean;
  /** Where he answers, as the service writes it: a manager sees the calls that rang there. */
  telephones: string[];
}

/** A telephone of the company's lists. */
export interface Telephone {
  telephone: string;
  names: string[];
}

/** A letter about missed calls, and what became of it. */
export interface Notice {
  id: string;
  at: string;
  to: string;
  kind: string;
  call: string | null;
  site: string | null;
  state: string;
  sent_at: string | null;
  next_at: string | null;
  tries: number;
  /** In the mail server's words. */
  trouble: string | null;
}

export interface AuditEntry {
  id: string;
  at: string;
  who: string;
  what: string;
  object: string;
  detail: unknown;
}

export interface Country {
  code: string;
  calling_code: number;
}

export interface Holiday {
  date: string;
  name_ru: string;
  name_en: string;
}

/** How a site shows the widget, and whether it does. */
export interface Installation {
  line: string;
  service: string;
  seen_at: string | null;
  elsewhere: { origin: string; at: string } | null;
  /** The host that the settings name. */
  host: string;
  faults: { kind: 'twice' | 'http' | 'address' | 'script' | 'connect' | 'policy'; at: string; detail: string | null }[];
}

/** What is kept of a visitor, counted. */
export interface Visitor {
  phone: string;
  orders: number;
  connected: number;
  first_at: string | null;
  last_at: string | null;
  consents: number;
  notes: number;
  scores: number;
  letters: number;
  running: boolean;
  scheduled: boolean;
  stopped: boolean;
  blocked: boolean;
}

/** All of it: it is given out as it is. */
export type VisitorFile = Record<string, unknown>;

/** How long visitors are known. */
export interface Keeping {
  days: number | null;
  ran_at: string | null;
  forgot: number;
}

/** A link to a site with its draft. */
export interface Trial {
  url: string;
  until: string;
}
