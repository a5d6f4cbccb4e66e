// Every operation of the API that the cabinet uses, by name.

import { ask, writing } from './client';
import type * as T from './types';

const seg = encodeURIComponent;
const customer = (c: string) => `/customers/${seg(c)}`;

export const api = {
  service: () => ask<T.Service>('GET', '/service'),
  register: (body: { company: string; email: string; password: string; country: string; time_zone: string; language: string }) =>
    ask<T.Registered>('POST', '/register', body),
  confirm: (token: string, password: string) => ask<T.Me>('POST', '/confirm', { token, password }, { anonymous: true }),
  login: (body: { email: string; password: string; code?: string }) => ask<T.Me>('POST', '/login', body, { anonymous: true }),
  forgot: (email: string) => ask<void>('POST', '/password/forgot', { email }),
  reset: (token: string, password: string) => ask<T.Me>('POST', '/password/reset', { token, password }, { anonymous: true }),
  confirmEmail: (token: string) => ask<T.EmailConfirmed>('POST', '/email/confirm', { token }, { anonymous: true }),
  invitation: (token: string) => ask<T.InvitationView>('GET', `/invitations/${seg(token)}`, undefined, { anonymous: true }),
  accept: (token: string, body: { name?: string; password?: string; language?: string }) =>
    ask<T.Me>('POST', `/invitations/${seg(token)}`, body, { anonymous: true }),
  logout: () => ask<void>('POST', '/logout', {}, { anonymous: true }),

  session: () => ask<{ me: T.Me | null }>('GET', '/session', undefined, { anonymous: true }),
  me: () => ask<T.Me>('GET', '/me'),
  changeMe: (body: { name?: string; language?: string }) => ask<T.Me>('PATCH', '/me', body),
  password: (body: { old: string; new: string }) => ask<void>('POST', '/me/password', body),
  email: (body: { email: string; password: string }) => ask<void>('POST', '/me/email', body),
  sessions: () => ask<T.LoginSession[]>('GET', '/me/sessions'),
  signOut: (id: string) => ask<void>('DELETE', `/me/sessions/${seg(id)}`),
  beginTotp: (password: string) => ask<{ secret: string; uri: string }>('POST', '/me/totp', { password }),
  confirmTotp: (body: { secret: string; code: string; password: string }) => ask<{ recovery_codes: string[] }>('POST', '/me/totp/confirm', body),
  endTotp: (password: string) => ask<void>('DELETE', '/me/totp', { password }),

  found: (body: { company: string; country: string; time_zone: string }) => ask<T.Me>('POST', '/customers', body),
  customer: (c: string) => ask<T.Customer>('GET', customer(c)),
  addSite: (c: string, url: string) => ask<T.SiteSummary>('POST', `${customer(c)}/sites`, { url }),
  archive: (site: string, confirm: string) => ask<T.SiteSummary>('POST', `/sites/${seg(site)}/archive`, { confirm }),
  unarchive: (site: string) => ask<T.SiteSummary>('POST', `/sites/${seg(site)}/unarchive`, {}),
  numbers: (c: string) => ask<T.VerifiedNumber[]>('GET', `${customer(c)}/numbers`),
  verify: (c: string, phone: string) => ask<T.Verifying>('POST', `${customer(c)}/numbers/verify`, { phone }),
  confirmNumber: (c: string, phone: string, code: string) => ask<T.VerifiedNumber>('POST', `${customer(c)}/numbers/confirm`, { phone, code }),
  team: (c: string) => ask<T.Member[]>('GET', `${customer(c)}/team`),
  invite: (c: string, email: string, role: T.Role) => ask<unknown>('POST', `${customer(c)}/invitations`, { email, role }),
  endInvitation: (c: string, id: string) => ask<void>('DELETE', `${customer(c)}/invitations/${seg(id)}`),
  changeRole: (c: string, user: string, role: T.Role) => ask<void>('PATCH', `${customer(c)}/team/${seg(user)}`, { role }),
  telephones: (c: string) => ask<T.Telephone[]>('GET', `${customer(c)}/telephones`),
  tie: (c: string, user: string, telephones: string[]) => ask<void>('PUT', `${customer(c)}/team/${seg(user)}/telephones`, { telephones }),
  removeMember: (c: string, user: string) => ask<void>('DELETE', `${customer(c)}/team/${seg(user)}`),
  audit: (c: string, before?: string) =>
    ask<{ entries: T.AuditEntry[]; next: string | null }>('GET', `${customer(c)}/audit${before ? `?before=${seg(before)}` : ''}`),
  balance: (c: string) => ask<T.Balance>('GET', `${customer(c)}/balance`),
  statement: (c: string, after: number | null) => ask<T.StatementPage>('GET', `${customer(c)}/statement${after === null ? '' : `?after=${after}`}`),
  /** The address of the whole statement as a file. */
  statementFile: (c: string) => `/api/v1${customer(c)}/statement.csv`,
  price: (c: string, phone: string) => ask<T.Price>('GET', `${customer(c)}/price?phone=${seg(phone)}`),
  payments: (c: string) => ask<T.Payment[]>('GET', `${customer(c)}/payments`),
  pay: (c: string, payment: string, amount: string) => ask<T.Payment>('POST', `${customer(c)}/payments`, { payment, amount }),
  notices: (c: string, site?: string) => ask<T.Notice[]>('GET', `${customer(c)}/notices${site ? `?site=${seg(site)}` : ''}`),
  testNotice: (c: string) => ask<{ to: string }>('POST', `${customer(c)}/missed-email/test`, {}),
  /** The number is in the body: addresses are logged by what stands between. */
  visitor: (c: string, phone: string) => ask<T.Visitor>('POST', `${customer(c)}/visitors/find`, { phone }),
  visitorFile: (c: string, phone: string) => ask<T.VisitorFile>('POST', `${customer(c)}/visitors/export`, { phone }),
  eraseVisitor: (c: string, phone: string, stays_blocked: boolean) => ask<{ orders: number }>('POST', `${customer(c)}/visitors/erase`, { phone, stays_blocked }),
  keeping: (c: string) => ask<T.Keeping>('GET', `${customer(c)}/retention`),
  keep: (c: string, days: number | null) => ask<void>('PUT', `${customer(c)}/retention`, { days }),
  countries: () => ask<T.Country[]>('GET', '/countries', undefined, { anonymous: true }),
  holidays: (country: string, year: number) => ask<T.Holiday[]>('GET', `/holidays/${seg(country)}/${year}`),
  shows: (site: string) => ask<T.Shows>('GET', `/sites/${seg(site)}/scenarios/shows`),
  tryScenarios: (site: string, facts: Record<string, unknown>) => ask<T.Tried>('POST', `/sites/${seg(site)}/scenarios/try`, { facts }),
  trial: (site: string) => ask<T.Trial>('POST', `/sites/${seg(site)}/trial`, {}),
  installation: (site: string) => ask<T.Installation>('GET', `/sites/${seg(site)}/installation`),
  rehearsal: (site: string) => ask<T.Rehearsal>('GET', `/sites/${seg(site)}/rehearsal`),
  /** The address of the sound of what a manager hears. */
  announcement: (site: string) => `/api/v1/sites/${seg(site)}/announcement`,
  sendRecording: (site: string, wav: Blob) => ask<{ id: string; length_ms: number }>('POST', `/sites/${seg(site)}/recordings`, wav),
  testCall: (site: string, phone: string, office: string) => ask<{ call: string }>('POST', `/sites/${seg(site)}/test-call`, { phone, office }),

  draft: <B>(path: string) => ask<T.DraftView<B>>('GET', `${path}/draft`),
  edit: <B>(path: string, revision: number, set: Record<string, unknown>) =>
    ask<T.DraftView<B>>('PATCH', `${path}/draft`, { revision, set }, { patient: true }),
  /** While the page is left: nobody waits for an answer. */
  editBehind: (path: string, revision: number, set: Record<string, unknown>) =>
    void fetch(`/api/v1${path}/draft`, { method: 'PATCH', keepalive: true, headers: writing(), body: JSON.stringify({ revision, set }) }).catch(() => undefined),
  resetDraft: <B>(path: string, revision: number) => ask<T.DraftView<B>>('DELETE', `${path}/draft?revision=${revision}`),
  publish: (path: string, revision: number) => ask<T.Published>('POST', `${path}/publish`, { revision }),
  versions: (path: string) => ask<T.Version[]>('GET', `${path}/versions`),
  restore: <B>(path: string, version: number, revision: number) => ask<T.DraftView<B>>('POST', `${path}/versions/${version}/restore`, { revision }),

  calls: (c: string, asked: URLSearchParams) => ask<T.CallPage>('GET', `${customer(c)}/calls?${asked}`),
  openCalls: (c: string, site: string | null) => ask<T.CallRow[]>('GET', `${customer(c)}/calls/open${site ? `?site=${seg(site)}` : ''}`),
  overview: (c: string, asked: URLSearchParams) => ask<T.Overview>('GET', `${customer(c)}/overview?${asked}`),
  analysis: (c: string, asked: URLSearchParams) => ask<T.Analysis>('GET', `${customer(c)}/analysis?${asked}`),
  /** The address of a file with the calls of a filter. */
  exported: (c: string, format: 'xlsx' | 'csv', query: string) => `/api/v1${customer(c)}/calls.${format}${query}`,
  callAgain: (id: string) => ask<{ call: string }>('POST', `/calls/${seg(id)}/again`, {}),
  calledBack: (id: string, is: boolean) => ask<void>('PUT', `/calls/${seg(id)}/called-back`, { is }),
  note: (id: string, note: string) => ask<void>('PUT', `/calls/${seg(id)}/note`, { note }),
  call: (id: string) => ask<T.Timeline>('GET', `/calls/${seg(id)}`),
  /** The address of the stream of a company's calls. */
  callEvents: (c: string) => `/api/v1${customer(c)}/calls/events`,
};

/** Where the draft of a site, or of the company, stands. */
export const draftPath = { site: (key: string) => `/sites/${seg(key)}`, company: customer };
