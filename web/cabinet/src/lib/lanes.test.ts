import { expect, it } from 'vitest';
import { calls, siteBody } from '../mock/data';
import { curesOf } from './cures';
import { full, glyph, journalX, mini, talkWidth, type Node } from './lanes';
import { sequence } from './sequence';
import { legEnd, told, type End } from './told';

const words = (key: End): string => key;
const drawn = (i: number) => {
  const call = calls[i];
  if (!call) throw new Error('no such call');
  return told({ ...call, talk_ms: call.talk_s === null ? null : call.talk_s * 1000 }, words);
};
const all = (nodes: Node[]): Node[] => nodes.flatMap((node) => [node, ...all(node.children)]);

it('has the journal’s scale', () => {
  expect(journalX(60)).toBe(62);
  expect(journalX(500)).toBe(76);
  expect(talkWidth(60)).toBeCloseTo(15.8, 1);
  expect(talkWidth(99_999)).toBe(38);
});

it('draws a connected call as two bars that touch', () => {
  const call = drawn(0);
  expect(call.join).toEqual({ from: 21, to: 149, leg: expect.any(Number) });
  const bars = mini(call).filter((node) => /^f[vm]$/.test(String(node.attributes.class)));
  expect(bars.map((bar) => bar.attributes.x)).toEqual(['21.7%', '21.7%']);
});

it('marks every try of a missed call by its shape', () => {
  const call = drawn(1);
  expect(call.managers.map((leg) => leg.end?.words)).toEqual(['busy', 'no_answer', 'declined', 'busy', 'no_answer', 'declined']);
  expect(call.join).toBeNull();
  expect(full(call, { second: 's' }).height).toBe(26 + 7 * 44 + 4);
});

it('ends the visitor’s lane where he did not pick up', () => {
  expect(drawn(3).visitor.end).toMatchObject({ mark: 'none', words: 'no_answer' });
});

it('says a cancelled leg, not the network’s word for it', () => {
  const [leg] = calls[8]?.lanes ?? [];
  expect(leg && legEnd(leg, 'cancelled')).toMatchObject({ mark: 'stop', key: 'cancelled' });
});

it('draws by attributes that the policy lets pass', () => {
  const nodes = all([...mini(drawn(0)), ...full(drawn(0), { second: 's' }).parts, ...glyph('connected')]);
  expect(nodes.filter((node) => 'style' in node.attributes || 'id' in node.attributes)).toEqual([]);
  expect(nodes.every((node) => !Object.values(node.attributes).some((value) => String(value).includes('NaN')))).toBe(true);
});

it('draws nobody on the line where nobody was', () => {
  const lower = (isManned: boolean) => glyph('visitor_no_answer', isManned)[1]?.attributes.class;
  expect([lower(true), lower(false)]).toEqual(['fm', 'o q']);
});

it('estimates a call by the draft', () => {
  const body = siteBody();
  expect(sequence(body, body.managers, 'usual').joined).toBe(19);
  expect(sequence({ ...body, delay_to_visitor_s: 5 }, body.managers, 'usual').joined).toBe(24);
  expect(sequence({ ...body, mode: 'together' }, body.managers, 'usual').joined).toBe(10);
  expect(sequence(body, body.managers, 'long').ended).toBe(92);
  expect(sequence(body, [], 'usual').joined).toBeNull();
});

it('cures what the rehearsal warns of by an edit of the draft', () => {
  const body = siteBody({ delay_to_visitor_s: 20 });
  expect(curesOf({ key: 'promise_delay', promise: 29, pauses: 40, cut_to: 9, promise_at_least: 50 }, body).map(({ set }) => set)).toEqual([{ delay_to_visitor_s: 9 }, { promise_seconds: 50 }]);
  expect(curesOf({ key: 'extension_key', manager: 1, name: 'Игорь' }, body)[0]?.set?.managers?.[1]?.accept_key).toBe('yes');
  expect(curesOf({ key: 'extension_key', manager: 1, name: 'Игорь' }, siteBody({ own_managers: false }))).toEqual([]);
});

it('puts the words of an end where there is room for them', () => {
  const lane = (from: number, at: number) => ({ leg: 1, name: '', round: 1, segments: [[from, at, 'up' as const]] as [number, number, 'up'][], talked: false, end: { at, mark: 'stop' as const, words: 'разъединились' } });
  const words = (from: number, at: number) => {
    const drawn = { promise: 29, visitor: lane(from, at), managers: [], join: null, end: 54 };
    const found = full(drawn, { second: 's' }).parts.find((part) => part.text === 'разъединились');
    return [found?.attributes['text-anchor'], found?.attributes.y];
  };
  expect(words(2, 10)).toEqual(['start', 52]);
  expect(words(40, 54)).toEqual(['end', 52]);
  expect(words(2, 54), 'above a line that is as long as the picture').toEqual(['end', 37]);
});
