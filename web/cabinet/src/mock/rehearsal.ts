// A rehearsal in the server's form, by the page's own estimate.

import type { Leg, Played, Rehearsal, SiteBody } from '../lib/api/types';
import type { Lane } from '../lib/lanes';
import { ringing, sequence, type Case } from '../lib/sequence';

const ms = (seconds: number | undefined): number | null => (seconds === undefined ? null : seconds * 1000);

function leg(lane: 'visitor' | 'manager', one: Lane, i: number, joined: number | null): Leg {
  const ring = one.segments.find(([, , kind]) => kind === 'ring');
  const up = one.segments.find(([, , kind]) => kind === 'up') ?? (one.talked && ring ? ([ring[1], ring[1], 'up'] as const) : undefined);
  const bridged = one.talked ? joined : null;
  return {
    leg: i, lane, name: one.name, round: lane === 'visitor' ? 0 : 1, outcome: bridged === null ? 'failed' : 'talked', dialled_ms: ms(ring?.[0]) ?? 0, sent_ms: ms(ring?.[0]), ringing_ms: ms(ring?.[0]),
    answered_ms: ms(up?.[0]), accepted_ms: up ? (up[0] + 3) * 1000 : null, bridged_ms: ms(bridged ?? undefined), unbridged_ms: null, over_ms: bridged === null ? ms(one.segments.at(-1)?.[1]) : (bridged + 20) * 1000,
    cause: 'normal', ended_by: 'us', hangup: bridged === null ? 'no_answer' : 'over',
  };
}

function played(name: Played['name'], body: SiteBody, how: Case, who: number): Played {
  const one = sequence(body, body.managers, how, who);
  const lanes = [leg('visitor', one.drawn.visitor, 0, one.joined), ...one.drawn.managers.map((lane, i) => leg('manager', lane, i + 1, one.joined))];
  return { name, taken_by: one.joined === null ? null : (ringing(body.managers)[who]?.name ?? null), joined_ms: ms(one.joined ?? undefined), ended_ms: one.ended * 1000, lanes };
}

export function rehearsal(body: SiteBody): Rehearsal {
  const on = ringing(body.managers);
  const nobody = on.length === 0;
  return {
    to_visitor: nobody ? null : { earliest_ms: 7_000, usual_ms: 16_000, latest_ms: 110_000 },
    promise_ms: body.promise_seconds * 1000,
    calls: nobody ? [] : [played('quick', body, 'fast', 0), played('usual', body, 'usual', 0), played('slow', body, 'usual', on.length - 1)],
    ifs: nobody ? [] : [...on.slice(1).map((_, i) => played('next', body, 'usual', i + 1)), played('nobody', body, 'long', 0)],
    warnings: nobody
      ? [{ key: 'nobody', grave: true }]
      : [
          { key: 'promise_first', name: 'Анна Белова', second_at: 21, joined_at: 44, ring: 8, grave: true },
          { key: 'extension_key', manager: 2, name: 'Игорь Соколов', grave: true },
          { key: 'hole', day: 6, from: '14:00', until: '20:00', grave: true },
          { key: 'night', day: 5, from: '18:00', until: '20:00', name: 'Игорь Соколов', grave: false },
        ],
  };
}
