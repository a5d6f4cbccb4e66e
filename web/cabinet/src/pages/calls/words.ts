// A call in words: its status, the sentence of its picture, how its tries ended.

import type { CallRow, Leg, Timeline } from '../../lib/api/types';
import { maybe, t } from '../../lib/i18n/index.svelte';
import type { Drawn, Lane } from '../../lib/lanes';
import { legEnd, told, type End } from '../../lib/told';
import { clock } from '../../lib/when';

/** Versions from here on are drafts that were tried by a test call. */
export const FIRST_TRIAL = 1_000_000_000;

/** The extension of who took the call. */
export const extension = (call: CallRow): string => /;ext=(.+)$/.exec(call.telephone ?? '')?.[1] ?? '';

/** Whether a manager came to the line, for however long. */
export const isManned = (call: { lanes: Leg[] }): boolean => call.lanes.some((leg) => leg.lane === 'manager' && leg.answered_ms !== null);

export const ending = (key: End, rang: number): string => t(`end.${key}`, { s: rang });

export const status = (call: { disposition: string | null }): string => t(`status.${call.disposition ?? 'running'}` as Parameters<typeof t>[0]);

export const reason = (call: { disposition: string | null; reason: string | null }): string => (call.reason ? maybe(`reason.${call.reason}`, {}, call.reason) : '');

export const drawnRow = (call: CallRow): Drawn => told({ ...call, talk_ms: call.talk_s === null ? null : call.talk_s * 1000 }, ending);
export const drawnCall = (call: Timeline): Drawn => told(call, ending);

/** A call that runs, as it is after so many seconds: what has no end yet goes on until now. */
export function drawnNow(call: Pick<CallRow, 'lanes' | 'promise_ms' | 'reason'>, seconds: number): Drawn {
  const runs = new Set(call.lanes.filter((leg) => leg.over_ms === null).map((leg) => leg.leg));
  const lanes = call.lanes.map((leg) => ({ ...leg, over_ms: leg.over_ms ?? seconds * 1000 }));
  const joined = call.lanes.find((leg) => leg.lane === 'manager' && leg.bridged_ms !== null && leg.unbridged_ms === null);
  const bridged_ms = joined?.bridged_ms ?? null;
  const talk_ms = bridged_ms === null ? null : Math.max(0, seconds * 1000 - bridged_ms);
  const drawn = told({ ...call, lanes, bridged_ms, talk_ms, ended_ms: seconds * 1000 }, ending);
  const open = (lane: Lane): Lane => (runs.has(lane.leg) ? { ...lane, end: null } : lane);
  return { ...drawn, visitor: open(drawn.visitor), managers: drawn.managers.map(open) };
}

/** «12 с из 29», «говорят 1:46, Анна» */
export function saidNow(call: CallRow, seconds: number): string {
  const joined = call.lanes.find((leg) => leg.lane === 'manager' && leg.bridged_ms !== null);
  if (call.state === 'talking' && joined) return t('live.talks', { time: clock(Math.max(0, seconds - Math.round((joined.bridged_ms ?? 0) / 1000))), name: joined.name });
  const promise = call.promise_ms === null ? null : Math.round(call.promise_ms / 1000);
  if (promise === null) return t('unit.second', { n: seconds });
  return seconds > promise ? t('live.late', { n: seconds }) : t('live.of', { n: seconds, of: promise });
}

/** «соединили за 21 с, говорили 2 мин 8 с» */
export function sentence(call: { disposition: string | null; reason: string | null; bridged_ms: number | null }, talk_s: number | null): string {
  if (call.disposition === 'connected' && call.bridged_ms !== null && talk_s !== null) {
    return t('call.connected', { s: Math.round(call.bridged_ms / 1000), talk: long(talk_s) });
  }
  return [status(call), reason(call)].filter(Boolean).join(': ');
}

/** `2 мин 8 с` */
export function long(seconds: number): string {
  const s = Math.round(seconds);
  const [m, rest] = [Math.floor(s / 60), s % 60];
  return [m && t('unit.minute', { n: m }), (rest || !m) && t('unit.second', { n: rest })].filter(Boolean).join(' ');
}

export interface Fact {
  at_ms: number;
  lane: 'visitor' | 'manager' | '';
  text: string;
  /** What the network said. */
  code?: string;
}

const said: Record<string, 'sent' | 'rings' | 'answered' | 'digits' | 'first_word' | 'accepted'> = {
  sent: 'sent', rings: 'rings', answered: 'answered', 'extension sent': 'digits', 'hears the announcement': 'first_word', accepted: 'accepted',
};

/** What happened, second by second: every fact of the picture again. */
export function facts(call: Timeline): Fact[] {
  const found: Fact[] = [{ at_ms: 0, lane: '', text: call.settings_version < FIRST_TRIAL ? t('fact.order', { n: call.settings_version }) : t('fact.order.draft') }];
  for (const event of call.events) {
    const name = event.lane === 'visitor' ? t('visitor') : event.name || t('manager');
    const key = said[event.what];
    if (key === 'sent') found.push({ at_ms: event.at_ms, lane: event.lane, text: t(event.lane === 'visitor' ? 'fact.sent.visitor' : 'fact.sent.manager', { name }) });
    else if (key) found.push({ at_ms: event.at_ms, lane: event.lane, text: t(`fact.${key}`, { name }) });
    else if (event.what === 'talks' && event.lane === 'visitor') found.push({ at_ms: event.at_ms, lane: '', text: t('fact.talks') });
  }
  for (const leg of call.lanes) if (leg.over_ms !== null) found.push(end(leg, call));
  return found.sort((a, b) => a.at_ms - b.at_ms);
}

function end(leg: Leg, call: Timeline): Fact {
  const name = leg.lane === 'visitor' ? t('visitor') : leg.name || t('manager');
  const how = legEnd(leg, call.reason);
  return { at_ms: leg.over_ms ?? 0, lane: leg.lane, text: t('fact.end', { name, why: ending(how.key, how.rang) }), code: code(leg.cause) };
}

const code = (cause: string | null): string => {
  const [, kind, number] = /^(sip|q850)-(\d+)$/.exec(cause ?? '') ?? [];
  return kind ? `${kind === 'sip' ? 'SIP' : 'Q.850'} ${number}` : '';
};
