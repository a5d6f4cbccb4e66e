// Answers of the API: just enough of each operation for the pages to be looked at.

import type { CallRow, CompanyBody, Conflict, DraftView, Me, Problem, Role, SiteBody, SiteSummary, Timeline } from '../lib/api/types';
import { differences, type Fields } from '../lib/draft-logic';
import { siteFields } from '../lib/fields';
import { charged, money } from './money';
import { rehearsal } from './rehearsal';
import { calls, companyBody, notices, siteBody, siteDraft, team, versions } from './data';

type Answer = [status: number, body: unknown];

const as = new URLSearchParams(location.search).get('as') ?? sessionStorage.getItem('mock-as') ?? '';
sessionStorage.setItem('mock-as', as);
const role: Role = as === 'marketer' || as === 'accountant' || as === 'manager' ? as : 'owner';
let isIn = as !== 'out';
const isNew = as === 'new' || as === 'empty';

const C = '4071-8';
const me = (): Me => ({
  user: { id: 'u1', email: 'klimova@romashka.example', name: 'Екатерина Климова', language: (localStorage.getItem('mock-language') as 'ru' | null) ?? 'ru', totp: as !== 'new', recovery_codes: 8 },
  memberships: [{ number: C, company: 'Ромашка', role, telephones: role === 'manager' ? ['+74955550101'] : [] }, ...(as === 'agency' ? [{ number: '5120-3', company: 'Окна Юга', role, telephones: [] }] : [])],
  operator: false,
});

const summary = (key: string, name: string, more: Partial<SiteSummary> = {}): SiteSummary => ({
  key, name, url: `https://${name}`, version: 14, published_at: '2026-11-18T11:20:00Z', author: 'Екатерина', changes: 0, archived_at: null, ...more,
});
let sites: SiteSummary[] = as === 'empty' ? [] : isNew ? [summary('k7m2', 'romashka.example', { version: null, published_at: null, author: null })]
  : [summary('k7m2', 'romashka.example', { changes: 4 }), summary('w3p9', 'okna.romashka.example', { version: 3, published_at: '2026-10-02T09:00:00Z' }), summary('a1d5', 'old.romashka.example', { archived_at: '2026-08-01T09:00:00Z' })];
const numbers = isNew ? [] : [{ phone: '+74955550101', at: '2026-06-02T09:00:00Z' }, { phone: '+79165550108', at: '2026-06-02T09:10:00Z' }];

interface Kept { body: Fields; published: Fields | null; revision: number; version: number | null }
const blank = siteBody({ managers: [], schedule: null, exceptions: [], blocked: [], own_managers: true, pronunciation: null, mode: 'together' });
const drafts: Record<string, Kept> = {
  k7m2: isNew ? { body: { ...blank }, published: null, revision: 1, version: null } : { body: { ...siteDraft() }, published: { ...siteBody() }, revision: 7, version: 14 },
  w3p9: { body: { ...siteBody({ name: 'okna.romashka.example', url: 'https://okna.romashka.example', own_managers: false, mode: 'together',
    offices: [{ name: 'Москва', time_zone: null, schedule: null, managers: [siteBody().managers[0]!] }, { name: 'Екатеринбург', time_zone: 'Asia/Yekaterinburg', schedule: siteBody().schedule, managers: [] }] }) }, published: null, revision: 2, version: 3 },
  company: { body: { ...companyBody() }, published: { ...companyBody() }, revision: 1, version: 2 },
};
drafts.w3p9!.published = structuredClone(drafts.w3p9!.body);

function problems(body: Fields): Problem[] {
  const found: Problem[] = [];
  for (const [field, { unit, min = 0, max = 0 }] of Object.entries(siteFields)) {
    const value = body[field];
    const factor = unit === 'minute' ? 60 : 1;
    if (unit && typeof value === 'number' && (value < min * factor || value > max * factor)) found.push({ field, code: 'range', detail: `from ${min} to ${max}`, params: { min, max } });
  }
  ((body as unknown as SiteBody).managers ?? []).forEach((manager, i) => {
    if (!/^sips?:\S+@\S+$/.test(manager.address) && manager.address.replace(/\D/g, '').length < 11) found.push({ field: `managers[${i}].address`, code: 'phone_short', detail: 'a digit is missing', params: {} });
  });
  return found;
}

function view(key: string, conflicts: Conflict[] = []): DraftView<SiteBody | CompanyBody> {
  const kept = drafts[key]!;
  const editors = key === 'k7m2' && as === 'two' ? [{ name: 'Игорь Соколов', at: '2026-11-20T11:20:00Z', fields: ['visitor_ring_timeout_s'] }] : [];
  return {
    revision: kept.revision, body: structuredClone(kept.body) as unknown as SiteBody, published: structuredClone(kept.published) as unknown as SiteBody, version: kept.version,
    changes: differences(kept.body, kept.published), problems: problems(kept.body), editors, saved_at: '2026-11-20T11:20:00Z', saved_by: 'Екатерина', conflicts,
  };
}

function draft(key: string, method: string, rest: string, body: Record<string, unknown>): Answer {
  const kept = (drafts[key] ??= { body: { ...blank, name: key }, published: null, revision: 1, version: null });
  if (rest === 'draft' && method === 'GET') return [200, view(key)];
  if (rest === 'draft' && method === 'PATCH') {
    Object.assign(kept.body, body.set);
    kept.revision += 1;
    const conflicts = as === 'two' && 'visitor_ring_timeout_s' in (body.set as object) ? [{ field: 'visitor_ring_timeout_s', yours: (body.set as Fields).visitor_ring_timeout_s, theirs: 25, by: 'Игорь Соколов', own: false, at: '2026-11-20T11:20:00Z' }] : [];
    return [200, view(key, conflicts)];
  }
  if (rest === 'draft' && method === 'DELETE') {
    kept.body = structuredClone(kept.published ?? { ...blank });
    kept.revision += 1;
    return [200, view(key)];
  }
  if (rest === 'publish') {
    const wrong = problems(kept.body);
    if (wrong.length) return problem(422, 'fields-wrong', { problems: wrong });
    const previous = kept.version;
    kept.published = structuredClone(kept.body);
    kept.version = (kept.version ?? 0) + 1;
    sites = sites.map((site) => (site.key === key ? { ...site, version: kept.version, published_at: '2026-11-20T11:25:00Z', author: 'Екатерина', changes: 0 } : site));
    return [200, { version: kept.version, previous }];
  }
  if (rest === 'versions') return [200, kept.version === null ? [] : versions];
  if (rest.endsWith('/restore')) {
    kept.body = structuredClone({ ...siteBody() });
    kept.revision += 1;
    return [200, view(key)];
  }
  return problem(404, 'not-found');
}

const problem = (status: number, kind: string, more: object = {}): Answer => [status, { type: `https://callback.example/problems/${kind}`, title: kind, status, detail: kind, ...more }];

function timeline(call: CallRow): Timeline {
  const events = call.lanes.flatMap((leg) =>
    ([[leg.sent_ms, 'sent'], [leg.ringing_ms, 'rings'], [leg.answered_ms, 'answered'], [leg.lane === 'manager' ? leg.accepted_ms : null, 'accepted'], [leg.bridged_ms, 'talks'], [leg.over_ms, 'down']] as const)
      .filter(([at]) => at !== null)
      .map(([at, what]) => ({ at_ms: at ?? 0, lane: leg.lane, leg: leg.leg, name: leg.name, what, cause: what === 'down' ? leg.cause : null, ended_by: what === 'down' ? leg.ended_by : null })));
  return {
    row: call, charged: role === 'owner' ? charged(call) : null, order_id: call.id, site: call.site.name, site_key: call.site.key, phone: call.phone, settings_version: 14, mode: 'manager_first', strategy: 'linear', promise_ms: call.promise_ms, accepted_at: call.at,
    disposition: call.disposition, reason: call.reason, ended_ms: call.ended_ms, talk_ms: call.talk_s === null ? null : call.talk_s * 1000, bridged_ms: call.bridged_ms, lanes: call.lanes,
    events: events.sort((a, b) => a.at_ms - b.at_ms),
  };
}

const masked = (call: CallRow): CallRow => (role === 'marketer' ? { ...call, phone: call.phone.replace(/(\d{3})\d{2}(\d{2})$/, '•••••$2') } : call);

/** What the API answers. */
export function answer(method: string, path: string, query: URLSearchParams, given: unknown): Answer {
  const body = (given ?? {}) as Record<string, unknown>;
  const open = before(method, path, body);
  if (open) return open;
  if (!isIn) return problem(401, 'login-needed');
  const site = /^\/sites\/([^/]+)\/(.+)$/.exec(path);
  if (site) return ofSite(site[1] ?? '', method, site[2] ?? '', body);
  const own = mine(method, path, body);
  if (own) return own;
  if (path === `/customers/${C}`) return [200, { number: C, name: 'Ромашка', email: 'klimova@romashka.example', country: 'RU', time_zone: 'Europe/Moscow', language: 'ru', max_calls: 10, role, has_calls: !isNew, lines: { any: true, numbers: [] }, is_charged: true, sites }];
  const customer = new RegExp(`^/customers/${C}/(.+)$`).exec(path)?.[1];
  if (customer) return ofCustomer(method, customer, query, body);
  const call = calls.find((one) => path === `/calls/${one.id}`);
  return call ? [200, timeline(masked(call))] : problem(404, 'not-found');
}

function before(method: string, path: string, body: Record<string, unknown>): Answer | null {
  if (path === '/session') return [200, { me: isIn ? me() : null }];
  if (path === '/countries') return [200, [['RU', 7], ['BY', 375], ['KZ', 7], ['GB', 44], ['DE', 49], ['AM', 374]].map(([code, calling_code]) => ({ code, calling_code }))];
  if (path === '/service') return [200, { practice: true, outbox: true, languages: ['ru', 'en'], demo: null }];
  if (path === '/register') return body.password && String(body.password).length < 10 ? problem(422, 'fields-wrong', { problems: [{ field: 'password', code: 'too_short', detail: '', params: { min: 10 } }] }) : [202, { number: C, email: body.email }];
  if (path === '/login') {
    if (body.password === 'code' && !body.code) return problem(401, 'code-needed');
    if (body.password === 'wrong') return problem(401, 'login-refused', { attempts_left: 3 });
    isIn = true;
    return [200, me()];
  }
  if (path === '/confirm' || path === '/password/reset') return body.token === 'old' ? problem(410, 'link-over') : ((isIn = true), [200, me()]);
  if (path === '/password/forgot') return [202, {}];
  if (path === '/email/confirm') return [200, { state: 'other_side_needed', email: 'ek@romashka.example' }];
  if (path.startsWith('/invitations/')) return method === 'GET' ? [200, { company: 'Ромашка', email: 'buh@romashka.example', role: 'accountant', inviter: 'Екатерина', known: false }] : [200, me()];
  if (path === '/logout') return (isIn = false), [204, null];
  return null;
}

function mine(method: string, path: string, body: Record<string, unknown>): Answer | null {
  if (path === '/me' && method === 'PATCH' && body.language) localStorage.setItem('mock-language', String(body.language));
  if (path === '/me') return [200, me()];
  if (path === '/me/password' || path === '/me/email') return body.old === 'wrong' || body.password === 'wrong' ? problem(422, 'fields-wrong', { problems: [{ field: path === '/me/email' ? 'password' : 'old', code: 'wrong', detail: '' }] }) : [path === '/me/email' ? 202 : 204, {}];
  if (path === '/me/sessions') return [200, [
    { id: 's1', current: true, created_at: '2026-11-20T05:50:00Z', seen_at: '2026-11-20T11:21:00Z', ip: '192.0.2.44', device: 'Firefox, Linux' },
    { id: 's2', current: false, created_at: '2026-11-16T07:12:00Z', seen_at: '2026-11-19T18:03:00Z', ip: '198.51.100.7', device: 'Safari, iPhone' },
  ]];
  if (path.startsWith('/me/sessions/')) return [204, null];
  if (path === '/me/totp') return method === 'POST' ? [200, { secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/CallBack:klimova@romashka.example?secret=JBSWY3DPEHPK3PXP' }] : [204, null];
  if (path === '/me/totp/confirm') return [200, { recovery_codes: ['8f3k-2m9p', 'x7qd-41zt', 'n5wr-60hc', 'b2yv-93kj', 't8gs-17ma', 'c4pe-58xd', 'k9hz-32qw', 'm1tb-76vn', 'r6fy-05lg', 'd3uc-84se'] }];
  if (path.startsWith('/holidays/')) return path.includes('2027') ? [200, [{ date: '2027-01-01', name_ru: 'Новый год', name_en: 'New Year' }, { date: '2027-01-07', name_ru: 'Рождество', name_en: 'Christmas' }, { date: '2027-03-08', name_ru: '8 Марта', name_en: 'Women’s Day' }]] : [200, []];
  return null;
}

function ofSite(key: string, method: string, rest: string, body: Record<string, unknown>): Answer {
  if (rest === 'archive') return (sites = sites.map((site) => (site.key === key ? { ...site, archived_at: '2026-11-20T11:30:00Z' } : site))), [200, {}];
  if (rest === 'recordings') return [201, { id: '5e5f0e1c-0000-4000-8000-000000000001', length_ms: 2_400 }];
  if (rest === 'unarchive') return (sites = sites.map((site) => (site.key === key ? { ...site, archived_at: null } : site))), [200, {}];
  if (rest === 'rehearsal') {
    const kept = drafts[key];
    const wrong = kept ? problems({ ...kept.body }).filter(({ field }) => field !== 'rounds') : [];
    if (wrong.length) return problem(422, 'fields-wrong', { problems: wrong });
    return [200, rehearsal(kept?.body as unknown as SiteBody)];
  }
  if (rest === 'installation') return [200, { line: `<script async src="https://calls.example/w/${key}.js"></script>`, service: 'https://calls.example', seen_at: '2026-11-20T11:20:00Z', elsewhere: null, host: 'romashka.example', faults: as === 'two' ? [
    { kind: 'script', at: '2026-11-20T11:19:00Z', detail: 'script-src-elem' }, { kind: 'connect', at: '2026-11-20T11:15:00Z', detail: 'connect-src' }, { kind: 'address', at: '2026-11-20T11:14:00Z', detail: 'www.romashka.example' }, { kind: 'twice', at: '2026-11-20T11:12:00Z', detail: null }, { kind: 'http', at: '2026-11-20T11:11:00Z', detail: null }] : [] }];
  if (rest === 'trial') return [200, { url: 'https://romashka.example/#callback-test=7.1795000000.5bdcc146bf60754e6a042426089575c7', until: '2026-11-20T12:21:00Z' }];
  if (rest === 'test-call') return [202, { call: calls[0]!.id }];
  return draft(key, method, rest, body);
}

function ofCustomer(method: string, rest: string, query: URLSearchParams, body: Record<string, unknown>): Answer {
  if (rest === 'sites') {
    const host = new URL(String(body.url)).host;
    if (host.startsWith('taken')) return problem(422, 'fields-wrong', { problems: [{ field: 'url', code: 'host_taken', detail: '' }] });
    const made = summary(`n${sites.length}x4`, host, { version: null, published_at: null, author: null });
    sites = [...sites, made];
    return [201, made];
  }
  if (rest === 'numbers') return [200, numbers];
  if (rest === 'numbers/verify') return [202, { phone: String(body.phone), calls_left: 2, expires_at: '2026-11-20T11:31:00Z', heard: 'Код для кабинета: 4, 8, 1, 5.' }];
  if (rest === 'numbers/confirm') {
    if (body.code !== '4815') return problem(422, 'fields-wrong', { problems: [{ field: 'code', code: 'code_wrong', detail: '', params: { left: 2 } }] });
    numbers.push({ phone: String(body.phone), at: '2026-11-20T11:22:00Z' });
    return [200, numbers.at(-1)];
  }
  if (rest === 'team') return [200, isNew ? team.slice(0, 1) : team];
  const paid = money(rest, query, role === 'owner', isNew);
  if (paid) return paid;
  if (rest === 'notices') return [200, isNew ? [] : notices.filter((one) => !query.get('site') || one.site === query.get('site'))];
  if (rest === 'missed-email/test') return [202, { to: me().user.email }];
  if (rest === 'visitors/find') return [200, { phone: '+79165550147', orders: 2, connected: 1, first_at: calls[1]!.at, last_at: calls[0]!.at, consents: 2, notes: 1, scores: 1, letters: 1, running: false, scheduled: false, stopped: false, blocked: true }];
  if (rest === 'visitors/export') return [200, { phone: body.phone, calls: [] }];
  if (rest === 'visitors/erase') return [200, { orders: 2 }];
  if (rest === 'retention') return method === 'PUT' ? [204, null] : [200, { days: isNew ? null : 365, ran_at: isNew ? null : '2026-11-20T11:00:00Z', forgot: 3 }];
  if (rest === 'telephones') return [200, siteBody().managers.map((one) => ({ telephone: one.address, names: [one.name] }))];
  if (rest === 'invitations' || rest.startsWith('invitations/') || rest.startsWith('team/')) return method === 'POST' ? [201, { invitation_id: 'i2' }] : [204, null];
  if (rest.startsWith('audit')) return [200, { entries: [
    { id: 'a3', at: '2026-11-18T11:20:00Z', who: 'Екатерина Климова', what: 'site.publish', object: 'k7m2', detail: { version: 14 } },
    { id: 'a2', at: '2026-11-19T08:00:00Z', who: 'Екатерина Климова', what: 'team.invite', object: 'buh@romashka.example', detail: { role: 'accountant' } },
    { id: 'a1', at: '2026-11-16T07:12:00Z', who: 'Екатерина Климова', what: 'login', object: 'u1', detail: { ip: '198.51.100.7' } },
  ], next: null }];
  if (rest === 'calls') {
    const of = query.get('site');
    return [200, { period: { from: '2026-11-14', to: '2026-11-20' }, totals: null, calls: isNew ? [] : calls.filter((call) => !of || call.site.key === of).map(masked), next: null }];
  }
  return draft('company', method, rest, body);
}
