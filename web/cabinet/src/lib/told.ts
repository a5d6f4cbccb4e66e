// A stored call as it is drawn: legs of the timeline become segments, ends and the join of lanes. It reads and decides;
// it draws nothing and says nothing: words come from whoever asks.

import type { Leg } from './api/types';
import type { Drawn, Lane, Mark, Segment } from './lanes';

const BUSY = new Set(['sip-486', 'sip-600', 'q850-17']);
const DECLINED = new Set(['sip-603', 'sip-607', 'q850-21']);
const SILENT = new Set(['sip-408', 'sip-480', 'sip-487', 'q850-18', 'q850-19', 'q850-20', 'silent']);
const NO_NUMBER = new Set(['sip-404', 'sip-410', 'sip-484', 'q850-1', 'q850-22', 'q850-28']);
const CONGESTED = new Set(['sip-503', 'q850-34', 'q850-42', 'no_channel']);

export type End =
  | 'busy' | 'in_call' | 'declined' | 'no_answer' | 'announced' | 'key_missing' | 'no_number' | 'congested' | 'line' | 'no_media'
  | 'elsewhere' | 'stopped' | 'cancelled' | 'hung_up' | 'we_hung_up' | 'no_funds';

export interface Call {
  reason: string | null;
  promise_ms: number | null;
  ended_ms: number | null;
  bridged_ms: number | null;
  /** Milliseconds of talk. */
  talk_ms: number | null;
  lanes: Leg[];
}

const s = (ms: number): number => ms / 1000;

/** How a leg ended: its mark and the key of its words, with the seconds that it rang. */
export function legEnd(leg: Leg, reason: string | null): { mark: Mark; key: End; rang: number } {
  const rang = Math.max(0, Math.round(s((leg.over_ms ?? 0) - (leg.ringing_ms ?? leg.sent_ms ?? leg.dialled_ms))));
  const end = (mark: Mark, key: End) => ({ mark, key, rang });
  const cause = leg.cause ?? '';
  if (leg.outcome === 'elsewhere') return end('stop', 'elsewhere');
  if (leg.hangup === 'cancelled') return end('stop', 'cancelled');
  if (cause === 'in_service') return end('busy', 'in_call');
  if (cause === 'no_funds') return end('stop', 'no_funds');
  if (leg.answered_ms === null) {
    if (BUSY.has(cause)) return end('busy', 'busy');
    if (DECLINED.has(cause)) return end('decline', 'declined');
    const isMissed = leg.lane === 'visitor' && reason === 'silent';
    if (leg.hangup === 'no_answer' || SILENT.has(cause) || isMissed) return end('none', 'no_answer');
    if (NO_NUMBER.has(cause)) return end('fail', 'no_number');
    if (CONGESTED.has(cause)) return end('fail', 'congested');
    return leg.hangup ? end('stop', 'stopped') : end('fail', 'line');
  }
  if (leg.hangup === 'no_media') return end('fail', 'no_media');
  if (leg.hangup === 'no_answer') return end('decline', 'key_missing');
  if (leg.outcome === 'refused') return end('decline', 'announced');
  return leg.ended_by === 'far' && !leg.hangup ? end('stop', 'hung_up') : end('stop', 'we_hung_up');
}

function segments(leg: Leg): Segment[] {
  const over = leg.over_ms ?? leg.answered_ms ?? leg.ringing_ms ?? leg.dialled_ms;
  const rings = leg.ringing_ms ?? leg.sent_ms;
  const parts: Segment[] = [];
  if (leg.lane === 'visitor') parts.push([0, rings ?? over, 'wait']);
  if (rings !== null) parts.push([rings, leg.answered_ms ?? over, 'ring']);
  if (leg.answered_ms !== null) parts.push([leg.answered_ms, leg.bridged_ms ?? over, 'up']);
  return parts.filter(([from, to]) => to > from).map(([from, to, kind]) => [s(from), s(to), kind]);
}

/** A call as `lanes.ts` draws it; `words` says how a try ended. */
export function told(call: Call, words: (key: End, rang: number) => string): Drawn {
  const one = (leg: Leg): Lane => {
    const talked = leg.bridged_ms !== null;
    const isLoud = leg.over_ms !== null && (!talked || (leg.ended_by === 'far' && !leg.hangup));
    const how = legEnd(leg, call.reason);
    const end = isLoud ? { at: s(leg.over_ms ?? 0), mark: how.mark, words: words(how.key, how.rang) } : null;
    return { leg: leg.leg, name: leg.name, round: leg.round, segments: segments(leg), talked, end };
  };
  const visitor = call.lanes.find((leg) => leg.lane === 'visitor');
  const managers = call.lanes.filter((leg) => leg.lane === 'manager' && leg.sent_ms !== null);
  const ends = call.lanes.map((leg) => (leg.answered_ms !== null && leg.over_ms ? s(leg.over_ms) : 0));
  const end = Math.max(s(call.ended_ms ?? 0), ...ends);
  const joined = managers.find((leg) => leg.bridged_ms !== null && leg.bridged_ms === call.bridged_ms) ?? managers.find((leg) => leg.outcome === 'talked');
  const isJoined = joined && call.talk_ms !== null && call.bridged_ms !== null;
  const join = isJoined ? { from: s(call.bridged_ms ?? 0), to: s((call.bridged_ms ?? 0) + (call.talk_ms ?? 0)), leg: joined.leg } : null;
  const nobody: Lane = { leg: -1, name: '', round: 0, segments: end > 0 ? [[0, end, 'wait']] : [], talked: false, end: null };
  return {
    promise: Math.round(s(call.promise_ms ?? 29_000)),
    visitor: visitor ? one(visitor) : nobody,
    managers: managers.map(one),
    join,
    end,
  };
}
