// The settings of a site, by name: on which page each stands and in what it is measured. Search, the dots of the side
// rail and the words of a difference read this table.

import type { CompanyBody, SiteBody } from './api/types';
import type { SitePage } from './routes';

export type Unit = 'second' | 'times' | 'minute' | 'day';

interface About {
  page: SitePage;
  unit?: Unit;
  /** Limits of a number, in its unit. */
  min?: number;
  max?: number;
}

export const siteFields: Record<keyof SiteBody, About> = {
  own_managers: { page: 'calling' },
  managers: { page: 'calling' },
  mode: { page: 'calling' },
  strategy: { page: 'calling' },
  promise_seconds: { page: 'calling', unit: 'second', min: 5, max: 600 },
  ring_timeout_s: { page: 'calling', unit: 'second', min: 5, max: 60 },
  delay_to_visitor_s: { page: 'calling', unit: 'second', min: 0, max: 60 },
  visitor_ring_timeout_s: { page: 'calling', unit: 'second', min: 15, max: 60 },
  rounds: { page: 'calling', unit: 'times', min: 1, max: 5 },
  total_time_s: { page: 'calling', unit: 'second', min: 30, max: 600 },
  max_talk_s: { page: 'calling', unit: 'minute', min: 1, max: 240 },
  caller_id_to_manager: { page: 'calling' },
  caller_id_to_visitor: { page: 'calling' },
  show_manager_name: { page: 'calling' },
  announce: { page: 'calling' },
  language: { page: 'calling' },
  subdomains: { page: 'calling' },
  pronunciation: { page: 'calling' },
  own_recording: { page: 'calling' },
  name: { page: 'calling' },
  url: { page: 'calling' },
  schedule: { page: 'schedule' },
  exceptions: { page: 'schedule' },
  offices: { page: 'offices' },
  blocked: { page: 'protection' },
  countries: { page: 'protection' },
  default_country: { page: 'protection' },
  scenarios: { page: 'scenarios' },
  quiet_days: { page: 'scenarios', unit: 'day', min: 0, max: 90 },
  content: { page: 'look' },
  button_label: { page: 'look' },
  button_place: { page: 'look' },
  keyword_groups: { page: 'look' },
  consent: { page: 'look' },
  consent_text: { page: 'look' },
  privacy_url: { page: 'look' },
  metrica: { page: 'look' },
  analytics: { page: 'look' },
  data_layer: { page: 'look' },
  own_missed_emails: { page: 'notices' },
  missed_emails: { page: 'notices' },
};

export const companyFields: (keyof CompanyBody)[] = ['name', 'country', 'time_zone', 'language', 'managers', 'blocked', 'missed_emails', 'missed_digest'];

/** The page of a company's field. */
export const companyPageOf = (field: string): 'company' | 'notices' => (field.startsWith('missed_') ? 'notices' : 'company');

/** The page of a field. */
export const pageOf = (field: string): SitePage => siteFields[field as keyof SiteBody]?.page ?? 'calling';
