// A stored call as it is drawn: legs of the timeline become segments, ends and the join of lanes. It reads and
// decides; it draws nothing.

import { say } from './strings.js';

const BUSY = new Set(['sip-486', 'sip-600', 'q850-17']);
const DECLINED = new Set(['sip-603', 'sip-607', 'q850-21']);
const SILENT = new Set(['sip-408', 'sip-480', 'sip-487', 'q850-18', 'q850-19', 'q850-20']);
const NO_NUMBER = new Set(['sip-404', 'sip-410', 'sip-484', 'q850-1', 'q850-22', 'q850-28']);

const inSeconds = (ms) => ms / 1000;

/** How a leg of a call ended: its mark, and why in words. */
export function legEnd(leg, call) {
  const rang = Math.round(inSeconds((leg.over_ms ?? 0) - (leg.ringing_ms ?? leg.sent_ms ?? leg.dialled_ms)));
  const end = (mark, key) => ({ mark, words: say(`ends.${key}`, { s: rang }) });
  const { cause, hangup, outcome } = leg;
  if (outcome === 'elsewhere') return end('stop', 'elsewhere');
  if (hangup === 'cancelled') return end('stop', 'cancelled');
  if (cause === 'in_service') return end('busy', 'in_call');
  if (leg.answered_ms === null) {
    if (BUSY.has(cause)) return end('busy', 'busy');
    if (DECLINED.has(cause)) return end('decline', 'declined');
    const isMissed = leg.lane === 'visitor' && call.reason === 'silent';
    if (hangup === 'no_answer' || SILENT.has(cause) || isMissed) return end('none', 'no_answer');
    if (NO_NUMBER.has(cause)) return end('fail', 'no_number');
    return hangup ? end('stop', 'stopped') : end('fail', 'line');
  }
  if (hangup === 'no_media') return end('fail', 'no_media');
  if (hangup === 'no_answer') return end('decline', 'key_missing');
  if (outcome === 'refused') return end('decline', 'announced');
  return leg.ended_by === 'far' && !hangup ? end('stop', 'hung_up') : end('stop', 'we_hung_up');
}

function segments(leg) {
  const over = leg.over_ms ?? leg.answered_ms ?? leg.ringing_ms ?? leg.dialled_ms;
  const rings = leg.ringing_ms ?? leg.sent_ms;
  const parts = [];
  if (leg.lane === 'visitor') parts.push([0, rings ?? over, 'wait']);
  if (rings !== null) parts.push([rings, leg.answered_ms ?? over, 'ring']);
  if (leg.answered_ms !== null) parts.push([leg.answered_ms, leg.bridged_ms ?? over, 'up']);
  return parts.filter(([from, to]) => to > from).map(([from, to, kind]) => [inSeconds(from), inSeconds(to), kind]);
}

/** A call of the journal as `lanes.js` draws it. */
export function told(call, nameOf) {
  const one = (leg) => {
    const talked = leg.bridged_ms !== null;
    const isLoud = leg.over_ms !== null && (!talked || (leg.ended_by === 'far' && !leg.hangup));
    const end = isLoud ? { at: inSeconds(leg.over_ms), ...legEnd(leg, call) } : null;
    return { leg: leg.leg, name: nameOf(leg.name), segments: segments(leg), talked, end };
  };
  const visitor = call.lanes.find((leg) => leg.lane === 'visitor');
  const managers = call.lanes.filter((leg) => leg.lane === 'manager' && leg.sent_ms !== null);
  const end = Math.max(inSeconds(call.ended_ms ?? 0), ...call.lanes.map((leg) => inSeconds(leg.answered_ms !== null && leg.over_ms ? leg.over_ms : 0)));
  const joined = managers.find((leg) => leg.bridged_ms !== null && leg.bridged_ms === call.bridged_ms) ?? managers.find((leg) => leg.outcome === 'talked');
  const join = joined && call.talk_ms !== null ? { from: inSeconds(call.bridged_ms), to: inSeconds(call.bridged_ms + call.talk_ms), leg: joined.leg } : null;
  return {
    promise: Math.round(inSeconds(call.promise_ms ?? 29_000)),
    visitor: visitor ? one(visitor) : { segments: end > 0 ? [[0, end, 'wait']] : [], end: null },
    managers: managers.map(one),
    join,
    end,
  };
}
