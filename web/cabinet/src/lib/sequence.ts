// The draft's call as a picture: who rings when, by the settings and by how soon people usually pick up. An estimate for
// the eye, made at once while one types; what is promised to visitors is decided by the server.

import type { Manager, SiteBody } from './api/types';
import type { Bracket, Drawn, Lane, Segment } from './lanes';

export type Case = 'fast' | 'usual' | 'long';

/** Seconds until people pick up, and how long the site's name takes to say. */
const PICKS_UP: Record<'fast' | 'usual', { manager: number; visitor: number }> = { fast: { manager: 3, visitor: 3 }, usual: { manager: 6, visitor: 8 } };
const VOICE_S = 3;
/** A telephone rings this long after it is dialled; rounds are this far apart. */
const SETUP_S = 1;
const BETWEEN_ROUNDS_S = 2;
const TALK_S = 20;

export interface Sequence {
  drawn: Drawn;
  /** Second of the join; none where nobody picks up. */
  joined: number | null;
  /** The second at which trying ends where nobody does. */
  ended: number;
  brackets: { row: number; from: number; to: number; what: 'ring' | 'voice' | 'pause' | 'visitor'; seconds: number }[];
}

const lane = (leg: number, name: string, segments: Segment[], end: Lane['end'] = null): Lane => ({ leg, name, round: 1, segments, talked: end === null, end });

/** The managers that are on, in order. */
export const ringing = (managers: Manager[]): Manager[] => managers.filter((manager) => manager.on);

/** Whether a site has anybody to ring; `shared` are the company's, for a site without a list of its own. */
export const hasSomebody = (body: Pick<SiteBody, 'own_managers' | 'managers' | 'offices'>, shared: Manager[]): boolean =>
  ringing([...(body.own_managers ? body.managers : shared), ...body.offices.flatMap((office) => office.managers)]).length > 0;

/** A call whose manager number `who` picks up (0 is the first), or nobody. */
export function sequence(body: SiteBody, managers: Manager[], how: Case, who = 0): Sequence {
  const on = ringing(managers);
  if (how === 'long' || who >= on.length) return nobody(body, on);
  const pace = PICKS_UP[how];
  const waits = Math.min(pace.manager, body.ring_timeout_s);
  // All at once: whoever picks up, nobody is waited for before him.
  const before = body.strategy === 'all' ? 0 : who;
  const tries = Array.from({ length: before }, (_, i): Segment => [SETUP_S + i * body.ring_timeout_s, (i + 1) * body.ring_timeout_s, 'ring']);
  const dialled = before * body.ring_timeout_s + SETUP_S;
  const picked = dialled + waits;
  const ready = picked + (body.announce === 'never' ? 0 : VOICE_S);
  const rings = (body.mode === 'together' ? 0 : ready) + body.delay_to_visitor_s + SETUP_S;
  const answers = rings + Math.min(pace.visitor, body.visitor_ring_timeout_s);
  const joined = Math.max(ready, answers);
  const visitor: Segment[] = [[0, rings, 'wait'], [rings, answers, 'ring'], [answers, joined, 'up']];
  const manager: Segment[] = [[dialled, picked, 'ring'], [picked, joined, 'up']];
  const real = (segments: Segment[]) => segments.filter(([from, to]) => to > from);
  const missed = tries.map((segment, i) => lane(i + 10, on[i]?.name ?? '', [segment], { at: segment[1], mark: 'none', words: '' }));
  const drawn: Drawn = {
    promise: body.promise_seconds,
    visitor: lane(0, '', real(visitor)),
    managers: [...missed, lane(1, on[who]?.name ?? '', real(manager))],
    join: { from: joined, to: joined + TALK_S, leg: 1 },
    end: joined + TALK_S,
  };
  const row = missed.length + 1;
  const pauseFrom = rings - SETUP_S - body.delay_to_visitor_s;
  const brackets: Sequence['brackets'] = [
    { row, from: dialled, to: picked, what: 'ring', seconds: waits },
    ...(ready > picked ? [{ row, from: picked, to: ready, what: 'voice' as const, seconds: VOICE_S }] : []),
    ...(body.delay_to_visitor_s ? [{ row: body.mode === 'together' ? 0 : row, from: pauseFrom, to: pauseFrom + body.delay_to_visitor_s, what: 'pause' as const, seconds: body.delay_to_visitor_s }] : []),
    { row: 0, from: rings, to: answers, what: 'visitor', seconds: answers - rings },
  ];
  return { drawn, joined, ended: joined, brackets };
}

/** Every round of every number, or as many as the time allows. */
function nobody(body: SiteBody, on: Manager[]): Sequence {
  const tries: Segment[] = [];
  const marks: number[] = [];
  let at = 0;
  for (let round = 0; round < body.rounds && at < body.total_time_s; round += 1) {
    const rings = body.strategy === 'all' ? Math.min(1, on.length) : on.length;
    for (let i = 0; i < rings && at < body.total_time_s; i += 1) {
      const end = Math.min(at + body.ring_timeout_s, body.total_time_s);
      tries.push([at + SETUP_S, end, 'ring']);
      marks.push(end);
      at = end;
    }
    if (round < body.rounds - 1) at += BETWEEN_ROUNDS_S;
  }
  at = Math.min(at, body.total_time_s);
  const rings = body.mode === 'together' ? body.delay_to_visitor_s + SETUP_S : null;
  const answers = rings === null ? at : Math.min(rings + PICKS_UP.usual.visitor, at);
  const visitor: Segment[] = rings === null ? [[0, at, 'wait']] : [[0, rings, 'wait'], [rings, answers, 'ring'], [answers, at, 'up']];
  const lanes = tries.map((segment, i) => lane(i + 1, '', [segment], { at: marks[i] ?? at, mark: 'none', words: '' }));
  return {
    drawn: { promise: body.promise_seconds, visitor: lane(0, '', visitor.filter(([from, to]) => to > from)), managers: lanes, join: null, end: at },
    joined: null,
    ended: at,
    brackets: [],
  };
}

export const toBracket = (bracket: Sequence['brackets'][number], words: string): Bracket => [bracket.row, bracket.from, bracket.to, words, bracket.what === 'pause'];
