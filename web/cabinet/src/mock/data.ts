// «Ромашка», Friday 20 November 2026: the company of the pictures. Numbers are of the ranges for examples.

import type { CallRow, CompanyBody, Leg, Manager, Member, Notice, SiteBody, Version } from '../lib/api/types';

export const manager = (name: string, address: string, more: Partial<Manager> = {}): Manager => ({
  name, address, extension: null, extension_delay_s: 2, accept_key: 'auto', on: true, hours: null, ...more,
});

const weekdays = (hours: string[]) => ({ mon: hours, tue: hours, wed: hours, thu: hours, fri: hours });

export const siteBody = (more: Partial<SiteBody> = {}): SiteBody => ({
  url: 'https://romashka.example', name: 'romashka.example', mode: 'manager_first', strategy: 'linear', promise_seconds: 29, rounds: 2,
  ring_timeout_s: 15, visitor_ring_timeout_s: 40, total_time_s: 120, delay_to_visitor_s: 0, max_talk_s: 14_400, announce: 'auto', language: 'ru',
  subdomains: false, pronunciation: 'ромашка точка экзампл', own_recording: null, show_manager_name: true, caller_id_to_visitor: 'service', caller_id_to_manager: 'visitor',
  countries: ['RU', 'BY'], default_country: 'RU',
  schedule: { ...weekdays(['09:00-13:00', '14:00-20:00']), fri: ['09:00-13:00', '14:00-18:00'], sat: ['10:00-14:00'], sun: [] },
  exceptions: [{ date: '2026-12-31', hours: ['10:00-15:00'] }, { date: '2027-01-01', hours: [] }, { date: '2027-02-23', hours: [] }],
  blocked: [
    { what: '+790955501*', note: 'спам, 14 заявок за час', until: '2026-12-20' },
    { what: '203.0.113.0/24', note: 'перебор номеров', until: '2026-11-25' },
    { what: '+74955550190', note: 'просил не звонить', until: null },
  ],
  own_managers: true,
  managers: [
    manager('Анна Белова', '+74955550101', { extension: '12', accept_key: 'yes' }),
    manager('Игорь Соколов', '+79165550108', { extension: '3', accept_key: 'no' }),
    manager('Марина Дёмина', 'sip:marina@192.0.2.7', { hours: { ...weekdays(['09:00-15:00']), sat: [], sun: [] } }),
    manager('Олег Титов', '+79265550155', { on: false }),
  ],
  offices: [],
  own_missed_emails: false,
  missed_emails: [],
  scenarios: [{ key: 'leaving', name: 'Ловить на выходе', on: true, content: {}, rules: [{ exit: true }] }],
  quiet_days: 7,
  content: {},
  keyword_groups: [],
  button_label: null,
  button_place: 'right',
  consent: false,
  consent_text: null,
  privacy_url: null,
  metrica: null,
  analytics: false,
  data_layer: false,
  ...more,
});

/** The draft that the pictures show: four changes, one of them wrong. */
export const siteDraft = (): SiteBody => {
  const body = siteBody();
  const [anna, igor, marina, oleg] = body.managers as [Manager, Manager, Manager, Manager];
  return { ...body, managers: [anna, marina, igor, oleg], ring_timeout_s: 20, delay_to_visitor_s: 5, rounds: 12 };
};

export const companyBody = (): CompanyBody => ({
  name: 'Ромашка', country: 'RU', time_zone: 'Europe/Moscow', language: 'ru', blocked: [{ what: '+79035550199', note: 'конкурент звонит каждый день', until: null }],
  managers: [manager('Приёмная', '+74955550100')],
  missed_emails: ['zayavki@romashka.example', 'ofis@romashka.exmple'], missed_digest: false,
});

export const notices: Notice[] = [
  { id: 'n3', at: '2026-11-20T10:59:00Z', to: 'zayavki@romashka.example', kind: 'missed', call: '0b6f', site: 'k7m2', state: 'sent', sent_at: '2026-11-20T10:59:01Z', next_at: null, tries: 1, trouble: null },
  { id: 'n2', at: '2026-11-20T09:48:00Z', to: 'klimova@romashka.example', kind: 'test', call: null, site: null, state: 'waiting', sent_at: null, next_at: '2026-11-20T11:30:00Z', tries: 3, trouble: 'transient error (451): 4.7.1 Come again' },
  { id: 'n1', at: '2026-11-20T07:03:00Z', to: 'ofis@romashka.exmple', kind: 'missed', call: '0b6e', site: 'k7m2', state: 'given_up', sent_at: null, next_at: null, tries: 1, trouble: 'permanent error (550): 5.1.2 No such domain' },
];

export const team: Member[] = [
  { user_id: 'u1', invitation_id: null, name: 'Екатерина Климова', email: 'klimova@romashka.example', role: 'owner', state: 'active', since: '2026-06-02T08:00:00Z', totp: true, you: true, telephones: [] },
  { user_id: 'u2', invitation_id: null, name: 'Анна Белова', email: 'belova@romashka.example', role: 'manager', state: 'active', since: '2026-06-05T08:00:00Z', totp: false, you: false, telephones: ['+74955550101'] },
  { user_id: 'u3', invitation_id: null, name: 'Павел Орлов', email: 'orlov@agency.example', role: 'marketer', state: 'active', since: '2026-09-14T08:00:00Z', totp: true, you: false, telephones: [] },
  { user_id: null, invitation_id: 'i1', name: null, email: 'buh@romashka.example', role: 'accountant', state: 'invited', since: '2026-11-19T08:00:00Z', totp: false, you: false, telephones: [] },
];

export const versions: Version[] = [
  { version: 14, author: 'Екатерина', at: '2026-11-18T11:20:00Z', changes: [{ field: 'promise_seconds', from: 40, to: 29 }, { field: 'countries', from: ['RU'], to: ['RU', 'BY'] }] },
  { version: 13, author: 'Екатерина', at: '2026-11-09T09:02:00Z', changes: [{ field: 'managers', from: [], to: [manager('Олег Титов', '+79265550155', { on: false })] }] },
  { version: 12, author: 'Анна Белова', at: '2026-10-30T15:41:00Z', changes: [{ field: 'mode', from: 'together', to: 'manager_first' }, { field: 'schedule', from: null, to: siteBody().schedule }] },
  { version: 1, author: 'Екатерина', at: '2026-06-02T09:15:00Z', changes: [] },
];

let legs = 0;
interface Try { name: string; round?: number; at: number; rings: number; picks?: number; cause?: string; hangup?: string }

const leg = (lane: Leg['lane'], one: Try, talk: [number, number] | null, over: number, byFar = true): Leg => ({
  leg: (legs += 1), lane, name: one.name, round: one.round ?? 1,
  outcome: talk ? 'talked' : one.picks ? 'accepted' : 'failed',
  dialled_ms: one.at * 1000, sent_ms: one.at * 1000, ringing_ms: (one.at + 0.4) * 1000,
  answered_ms: one.picks ? one.picks * 1000 : null, accepted_ms: one.picks ? (one.picks + 2) * 1000 : null,
  bridged_ms: talk ? talk[0] * 1000 : null, unbridged_ms: talk ? talk[1] * 1000 : null, over_ms: over * 1000,
  cause: one.cause ?? 'normal', ended_by: one.hangup ? 'us' : byFar ? 'far' : 'us', hangup: one.hangup ?? (byFar ? null : 'over'),
});

const missed = (name: string, round: number, at: number, rings: number, cause: string, hangup?: string): Leg =>
  leg('manager', { name, round, at, rings, cause, ...(hangup ? { hangup } : {}) }, null, at + rings);

function call(time: string, phone: string, lanes: Leg[], row: Partial<CallRow>): CallRow {
  const ended = Math.max(0, ...lanes.map((one) => one.over_ms ?? 0));
  return {
    id: `0b6f${time.replace(/\D/g, '')}-7c1e-4f2a-9d30-5a1b2c3d4e5f`, at: `2026-11-${time}:07Z`, site: { key: 'k7m2', name: 'romashka.example' }, phone, disposition: 'connected', reason: null,
    state: 'ended', over: true, due_at: null, manager: null, telephone: null, talk_s: null, ended_ms: ended, bridged_ms: null, promise_ms: 29_000, page: '/uborka/kvartiry', by: 'visitor', ip: null, place: null, by_number: null, device: 'phone', called_back_at: null, called_back_by: null, note: null, score: null, rule: null, came: { kind: 'ad', name: 'Yandex', medium: 'cpc', campaign: 'osen', content: null, keyword: 'уборка квартир', keyword_hidden: false, click: null, opened_on: null, landing: 'https://romashka.example/', referrer: 'https://yandex.ru/' }, lanes, ...row,
  };
}

function talked(time: string, phone: string, name: string, before: Leg[], dial: number, picks: number, visitor: number, joins: number, talk: number): CallRow {
  const over = joins + talk;
  const lanes = [leg('visitor', { name: phone, at: visitor, rings: 0, picks: joins - 0.5 }, [joins, over], over), ...before, leg('manager', { name, at: dial, rings: 0, picks }, [joins, over], over + 0.4, false)];
  return call(time, phone, lanes, { manager: name, talk_s: talk, bridged_ms: joins * 1000 });
}

export const calls: CallRow[] = [
  talked('20T11:12', '+79165550147', 'Анна Белова', [], 1, 7, 11, 21, 128),
  call('20T10:58', '+79035550112', [
    missed('Анна Белова', 1, 1, 3, 'sip-486'), missed('Игорь Соколов', 1, 4, 15, 'normal', 'no_answer'), missed('Марина Дёмина', 1, 20, 7, 'sip-603'),
    missed('Анна Белова', 2, 28, 3, 'sip-486'), missed('Игорь Соколов', 2, 32, 15, 'normal', 'no_answer'), missed('Марина Дёмина', 2, 48, 10, 'sip-603'),
  ], { disposition: 'manager_no_answer', reason: 'all_failed', ended_ms: 59_000 }),
  talked('20T10:31', '+79265550180', 'Игорь Соколов', [missed('Анна Белова', 1, 1, 15, 'normal', 'no_answer')], 18, 20, 19, 27, 286),
  call('20T09:47', '+79855550103', [
    leg('visitor', { name: '+79855550103', at: 9, rings: 40, cause: 'sip-487', hangup: 'no_answer' }, null, 49),
    leg('manager', { name: 'Анна Белова', at: 1, rings: 4, picks: 5 }, null, 49, false),
  ], { disposition: 'visitor_no_answer', reason: 'silent', manager: 'Анна Белова' }),
  talked('20T09:20', '+74955550160', 'Марина Дёмина', [], 1, 4, 7, 13, 52),
  call('20T08:05', '+442079460123', [], { disposition: 'not_called', reason: 'refused_number', ended_ms: 1_000 }),
  talked('20T07:44', '+79155550129', 'Анна Белова', [], 1, 12, 15, 24, 77),
  talked('19T15:02', '+79095550191', 'Игорь Соколов', [missed('Анна Белова', 1, 2, 2, 'sip-486'), missed('Марина Дёмина', 1, 6, 12, 'normal', 'no_answer')], 19, 25, 29, 38, 390),
  call('19T14:41', '+79165550147', [leg('manager', { name: 'Анна Белова', at: 1, rings: 6, cause: 'normal', hangup: 'cancelled' }, null, 7)], { disposition: 'not_called', reason: 'cancelled', ended_ms: 7_000 }),
];
