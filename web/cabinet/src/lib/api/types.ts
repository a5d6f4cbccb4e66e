// What the API says and hears, as docs/api.md and its OpenAPI document have it. Instants are RFC 3339 in UTC.

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

export type Disposition = 'connected' | 'manager_no_answer' | 'visitor_no_answer' | 'not_called';

/** A leg of a call, times in milliseconds from the order. */
export interface Leg {
  leg: number;
  lane: 'visitor' | 'manager';
  name: string;
  round: number;
  outcome: string;
  dialled_ms: number;
  sent_ms: number | null;
  ringing_ms: number | null;
  answered_ms: number | null;
  accepted_ms: number | null;
  bridged_ms: number | null;
  unbridged_ms: number | null;
  over_ms: number | null;
  cause: string | null;
  ended_by: 'far' | 'us' | 'network' | null;
  hangup: string | null;
}

/** Where somebody may be: an estimate. */
export interface Place {
  country: string;
  region: string | null;
  city: string | null;
}

export interface CallRow {
  id: string;
  at: string;
  site: { key: string; name: string };
  phone: string;
  disposition: Disposition | null;
  reason: string | null;
  state: string;
  /** Nothing more happens in it: it stands in the journal. */
  over: boolean;
  /** When it is to be called, where that was for a time. */
  due_at: string | null;
  manager: string | null;
  /** Where he answers; an extension after ";ext=". */
  telephone: string | null;
  talk_s: number | null;
  ended_ms: number | null;
  bridged_ms: number | null;
  promise_ms: number | null;
  page: string | null;
  /** Who ordered. */
  by: 'visitor' | 'cabinet' | 'test';
  came: Came | null;
  ip: string | null;
  /** Where that address is, as far as is known. */
  place: Place | null;
  /** Where his number is at home, by its plan. */
  by_number: Place | null;
  device: 'phone' | 'tablet' | 'computer' | null;
  called_back_at: string | null;
  /** None where it was a later call. */
  called_back_by: string | null;
  note: string | null;
  score: number | null;
  rule: string | null;
  lanes: Leg[];
}

/** Where a visitor came from, as it was understood when he ordered. */
export interface Came {
  kind: 'ad' | 'ai' | 'search' | 'social' | 'messenger' | 'email' | 'referral' | 'direct' | 'internal';
  name: string | null;
  medium: string | null;
  campaign: string | null;
  content: string | null;
  keyword: string | null;
  /** Something was searched for, and it was not passed. */
  keyword_hidden: boolean;
  click: string | null;
  opened_on: string | null;
  landing: string | null;
  referrer: string | null;
}

/** Days of the company's calendar. */
export interface Period {
  from: string;
  to: string;
}

export interface Totals {
  orders: number;
  connected: number;
  manager_no_answer: number;
  visitor_no_answer: number;
  /** Those are in no share. */
  not_called: number;
  talk_s: number;
  rang_in_time: number;
  connected_in_time: number;
}

export interface CallPage {
  period: Period;
  /** With the first page alone. */
  totals: Totals | null;
  calls: CallRow[];
  next: string | null;
}

export interface Spread {
  p50_ms: number | null;
  p90_ms: number | null;
  p99_ms: number | null;
}

/** A day, a week or a month; `before` counts the orders of the same one of the period before. */
export type Step = Totals & { date: string; before: number };

export interface ManagerLine {
  name: string;
  tries: number;
  taken: number;
  answer_ms: number | null;
  talks: number;
}

export interface PanelLine {
  kind?: string;
  /** None where it is not known; of keywords, empty for those that were hidden. */
  value: string | null;
  orders: number;
  called: number;
  connected: number;
}

interface Counted {
  period: Period;
  before: Period;
  totals: Totals;
  totals_before: Totals;
  /** What was promised, where that was the same for all. */
  promise_ms: number | null;
  connected: Spread;
  connected_before: Spread;
  step: 'day' | 'week' | 'month';
  steps: Step[];
  managers: ManagerLine[];
  sites: PanelLine[];
}

export interface Overview extends Counted {
  rang: Spread;
  seconds: { second: number; talks: number; late: number }[];
  waiting: CallRow[];
  waiting_count: number;
  failing: ManagerLine[];
  /** Sites whose widget was seen once, and not within a day. */
  silent: { site: string; name: string; seen_at: string }[];
}

export interface Analysis extends Counted {
  sources: PanelLine[];
  campaigns: PanelLine[];
  keywords: PanelLine[];
  pages: PanelLine[];
  regions: PanelLine[];
  devices: PanelLine[];
  hours: { hour: number; orders: number; called: number; connected: number }[];
  scores: Scores;
}

/** What visitors thought of their talks, 1 to 5 each. */
export interface Scores {
  count: number;
  sum: number;
  managers: { name: string; count: number; sum: number }[];
}

export interface CallEvent {
  at_ms: number;
  lane: 'visitor' | 'manager';
  leg: number | null;
  name: string;
  what: string;
  cause: string | null;
  ended_by: 'far' | 'us' | 'network' | null;
}

/** A call that was played by a draft, and not made. */
export interface Played {
  name: 'quick' | 'usual' | 'slow' | 'next' | 'nobody';
  taken_by: string | null;
  joined_ms: number | null;
  ended_ms: number;
  lanes: Leg[];
}

/** What an owner would not want of his draft; managers are counted from 0. */
export type Warning =
  | { key: 'promise_ok'; seconds: number; promise: number }
  | { key: 'promise_delay'; promise: number; pauses: number; cut_to: number | null; promise_at_least: number }
  | { key: 'promise_first'; name: string; second_at: number; joined_at: number; ring: number | null }
  | { key: 'hole'; day: number; from: string; until: string }
  | { key: 'office_empty'; office: string }
  | { key: 'caller_id'; field: 'caller_id_to_visitor' | 'caller_id_to_manager' }
  | { key: 'extension_key' | 'extension_delay' | 'unverified'; manager: number; name: string }
  | { key: 'same_line'; count: number; line: string }
  | { key: 'random_all' | 'one' | 'nobody' }
  | { key: 'total'; needed: number; allowed: number }
  | { key: 'visitor_short' | 'announcement_long'; seconds: number }
  | { key: 'night'; day: number; from: string; until: string; name: string };

export interface Rehearsal {
  to_visitor: { earliest_ms: number; usual_ms: number; latest_ms: number } | null;
  promise_ms: number;
  calls: Played[];
  ifs: Played[];
  warnings: (Warning & { grave: boolean; office_name?: string })[];
}

/** One call told whole. */
export interface Timeline {
  /** Its line in the journal. */
  row: CallRow | null;
  /** What its legs were charged, for who sees money. */
  charged?: Charged | null;
  order_id: string;
  site: string;
  site_key: string;
  phone: string;
  settings_version: number;
  mode: string | null;
  strategy: string | null;
  promise_ms: number | null;
  accepted_at: string;
  disposition: Disposition | null;
  reason: string | null;
  ended_ms: number | null;
  talk_ms: number | null;
  bridged_ms: number | null;
  lanes: Leg[];
  events: CallEvent[];
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
