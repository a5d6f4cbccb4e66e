// A rehearsed call as a picture: its tries in one lane, the settings that shape it as brackets.

import type { Played } from './api/types';
import type { Drawn } from './lanes';
import type { Sequence } from './sequence';
import { told } from './told';

const TALK_MS = 20_000;

/** Reads a played call like a stored one. */
export function drawnOf(played: Played, promise_ms: number): Drawn {
  const call = { reason: null, promise_ms, ended_ms: played.ended_ms, bridged_ms: played.joined_ms, talk_ms: played.joined_ms === null ? null : TALK_MS, lanes: played.lanes };
  const drawn = told(call, () => '');
  // What comes after the join is the same in every picture: only the way there is shown.
  return { ...drawn, end: played.joined_ms === null ? played.ended_ms / 1000 : (played.joined_ms + TALK_MS) / 1000 };
}

/** Every try of a manager in one lane. */
export function inOneLane(drawn: Drawn): Drawn {
  const last = drawn.managers.at(-1);
  const leg = drawn.join?.leg ?? 1;
  const segments = drawn.managers.flatMap((one) => one.segments);
  const end = drawn.join ? null : (last?.end ?? null);
  return { ...drawn, visitor: { ...drawn.visitor, end: null }, managers: [{ leg, name: last?.name ?? '', round: 1, segments, talked: drawn.join !== null, end }] };
}

/** Which part of the way is which setting's. */
export function bracketsOf(played: Played): Sequence['brackets'] {
  const visitor = played.lanes.find((leg) => leg.lane === 'visitor' && leg.answered_ms !== null);
  const manager = played.lanes.find((leg) => leg.lane === 'manager' && leg.bridged_ms !== null);
  if (!visitor || !manager || manager.answered_ms === null) return [];
  const part = (row: number, from_ms: number | null, to_ms: number | null, what: 'ring' | 'voice' | 'pause' | 'visitor') =>
    from_ms === null || to_ms === null || to_ms <= from_ms ? [] : [{ row, from: from_ms / 1000, to: to_ms / 1000, what, seconds: Math.round((to_ms - from_ms) / 1000) }];
  return [
    ...part(1, manager.ringing_ms ?? manager.sent_ms, manager.answered_ms, 'ring'),
    ...part(1, manager.answered_ms, manager.accepted_ms, 'voice'),
    ...part(1, manager.accepted_ms, visitor.dialled_ms, 'pause'),
    ...part(0, visitor.ringing_ms ?? visitor.sent_ms, visitor.answered_ms, 'visitor'),
  ];
}
