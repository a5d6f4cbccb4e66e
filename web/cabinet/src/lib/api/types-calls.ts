// Calls, what is counted of them, and calls that are only played.

import type { Charged } from './types-money';

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
