// What cures a warning of the rehearsal: edits of the draft, or the place to go to.

import type { SiteBody, Warning } from './api/types';
import type { SitePage } from './routes';

export interface Cure {
  key: string;
  /** For its words. */
  value?: number;
  set?: Partial<SiteBody>;
  go?: SitePage;
  field?: keyof SiteBody;
  verify?: number;
  /** A manager's drawer opens, for a new one. */
  add?: boolean;
}

export function curesOf(warning: Warning, body: SiteBody): Cure[] {
  const found: Cure[] = [];
  if (warning.key === 'promise_delay') {
    if (warning.cut_to !== null) found.push({ key: 'pause', value: warning.cut_to, set: { delay_to_visitor_s: warning.cut_to } });
    found.push({ key: 'promise', value: warning.promise_at_least, set: { promise_seconds: Math.min(600, warning.promise_at_least) } });
  } else if (warning.key === 'promise_first') {
    if (warning.ring !== null) found.push({ key: 'ring', value: warning.ring, set: { ring_timeout_s: warning.ring } });
    if (body.strategy !== 'all') found.push({ key: 'all', set: { strategy: 'all' } });
  } else if (warning.key === 'hole' || warning.key === 'night') found.push({ key: 'schedule', go: 'schedule' });
  else if (warning.key === 'caller_id') found.push({ key: 'service', set: { [warning.field]: 'service' } });
  else if (warning.key === 'office_empty') found.push({ key: 'office', go: 'offices' });
  else if (warning.key === 'extension_key' && body.own_managers) found.push({ key: 'key', set: { managers: body.managers.map((one, i) => (i === warning.manager ? { ...one, accept_key: 'yes' as const } : one)) } });
  else if (warning.key === 'extension_delay' && body.own_managers) found.push({ key: 'extension', set: { managers: body.managers.map((one, i) => (i === warning.manager ? { ...one, extension_delay_s: 2 } : one)) } });
  else if (warning.key === 'unverified') found.push({ key: 'verify', verify: warning.manager });
  else if (warning.key === 'total') {
    if (warning.needed <= 600) found.push({ key: 'total', value: warning.needed, set: { total_time_s: warning.needed } });
    if (body.rounds > 1) found.push({ key: 'rounds', set: { rounds: body.rounds - 1 } });
  } else if (warning.key === 'visitor_short') found.push({ key: 'visitor', set: { visitor_ring_timeout_s: 40 } });
  else if (warning.key === 'announcement_long') found.push({ key: 'shorten', field: 'pronunciation' });
  else if (warning.key === 'one' || warning.key === 'nobody') found.push({ key: 'add', field: 'managers', add: true });
  return found;
}
