// How a call is drawn: two lanes on one clock that starts at the order. The visitor is above, managers below; dots =
// waits, ticks = rings, thin = answered and not joined, two bars that touch = they talk; ■ ○ × △ │ = how a try ended;
// the flag = the promise. Pure: it makes nodes of SVG with attributes alone, and knows no words.

export interface Node {
  tag: string;
  attributes: Record<string, string | number>;
  children: Node[];
  text?: string;
}

export type Kind = 'wait' | 'ring' | 'up';
export type Mark = 'none' | 'busy' | 'decline' | 'fail' | 'stop';
export type Segment = [from: number, to: number, kind: Kind];

export interface Lane {
  leg: number;
  name: string;
  round: number;
  segments: Segment[];
  talked: boolean;
  end: { at: number; mark: Mark; words: string } | null;
}

export interface Drawn {
  promise: number;
  visitor: Lane;
  managers: Lane[];
  join: { from: number; to: number; leg: number } | null;
  end: number;
}

/** A setting under a lane: row, from, to, label; a hot one is the draft's. */
export type Bracket = [row: number, from: number, to: number, label: string, hot?: boolean];

const el = (tag: string, attributes: Node['attributes'] = {}, ...children: Node[]): Node => ({ tag, attributes, children });
const label = (text: string, attributes: Node['attributes']): Node => ({ tag: 'text', attributes, children: [], text });
const pct = (value: number): string => `${Math.round(value * 100) / 100}%`;

/** Journal scale, the same in every row: 0–60 s take 62 %, 60–120 s take 14 %. */
export const journalX = (t: number): number => (t <= 60 ? (t * 62) / 60 : 62 + (Math.min(t - 60, 60) * 14) / 60);
/** Talk on the journal scale: 1 s = 4 %, 1 min = 16 %, 10 min = 29 %. */
export const talkWidth = (s: number): number => Math.min(38, 4 + Math.log2(1 + s / 10) * 4.2);

function segment(lane: string, from: number, to: number, y: number, height: number, kind: Kind): Node {
  const at = { x1: pct(from), x2: pct(to), y1: y, y2: y };
  if (kind === 'ring') return el('line', { class: `${lane} ring`, ...at, 'stroke-width': height, 'stroke-dasharray': '2 3' });
  if (kind === 'up') return el('line', { class: lane, ...at, 'stroke-width': Math.max(2.5, height * 0.36) });
  return el('line', { class: 'q', ...at, 'stroke-width': 1.5, 'stroke-dasharray': '1.5 4', 'stroke-linecap': 'round' });
}

function mark(kind: Mark, x: number, y: number, r: number): Node {
  const side = 2 * r - 0.8;
  const shapes: Record<Mark, () => Node> = {
    none: () => el('circle', { class: 'mk bg', r }),
    busy: () => el('rect', { class: 'mk f', x: 0.4 - r, y: 0.4 - r, width: side, height: side }),
    decline: () => el('path', { class: 'mk', 'stroke-width': 2, d: `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}` }),
    fail: () => el('path', { class: 'mk bg', d: `M0 ${-r - 0.6}L${r + 0.8} ${r}L${-r - 0.8} ${r}Z` }),
    stop: () => el('path', { class: 'mk', 'stroke-width': 2, d: `M0 ${-r - 1}V${r + 1}` }),
  };
  const halo = el('rect', { class: 'halo', x: -r - 2, y: -r - 2, width: 2 * r + 4, height: 2 * r + 4 });
  return el('svg', { x: pct(x), y, overflow: 'visible' }, ...(kind === 'stop' ? [] : [halo]), shapes[kind]());
}

function flag(x: number, top: number, bottom: number, words: string): Node[] {
  const line = el('line', { class: 'pr', x1: pct(x), x2: pct(x), y1: words ? top + 16 : top, y2: bottom, 'stroke-width': words ? 1.4 : 1 });
  if (!words) return [line];
  const text = label(words, { class: 'fl', x: 0, y: 11, 'text-anchor': 'middle' });
  return [line, el('svg', { x: pct(x), y: top, overflow: 'visible' }, el('rect', { class: 'fi', x: -22, y: -1, width: 44, height: 16, rx: 4 }), text)];
}

function bars(from: number, width: number, top: number, bottom: number, height: number): Node[] {
  const bar = (lane: string, y: number): Node => el('rect', { class: `f${lane}`, x: pct(from), width: pct(Math.max(0, width)), y: y - height / 2, height, rx: 2 });
  return [bar('v', top), bar('m', bottom)];
}

/** What a row of the journal shows: every try of a manager in the lower lane. */
export function mini(call: Drawn): Node[] {
  const x = journalX;
  const parts = flag(x(call.promise), 0, 24, '');
  for (const [from, to, kind] of call.visitor.segments) parts.push(segment('v', x(from), x(to), 6, 7, kind));
  for (const leg of call.managers) for (const [from, to, kind] of leg.segments) parts.push(segment('m', x(from), x(to), 18, 7, kind));
  if (call.join) parts.push(...bars(x(call.join.from), talkWidth(call.join.to - call.join.from), 7, 17, 9));
  for (const leg of call.managers) {
    const isTold = leg.end && !leg.talked && !(call.join && leg.end.mark === 'stop');
    if (isTold && leg.end) parts.push(mark(leg.end.mark, x(leg.end.at), 18, 2.7));
  }
  if (call.visitor.end && !call.visitor.talked) parts.push(mark(call.visitor.end.mark, x(call.visitor.end.at), 6, 2.7));
  return parts;
}

export const ROW = 44;
export const TOP = 26;

interface Full {
  second: string;
  /** Seconds that the picture shows; by the call where it is not said. */
  until?: number;
  rowHeight?: number;
  brackets?: Bracket[];
}

/** The whole call to scale: a lane for the visitor, one for each manager's try; long talks are cut. */
export function full(call: Drawn, how: Full): { height: number; parts: Node[] } {
  const row = how.rowHeight ?? ROW;
  const whole = how.until ?? Math.max(call.end, call.promise) + 1.5;
  const enough = call.join && !how.until ? Math.max(call.join.from + 15, call.promise + 4) : whole;
  const cut = whole > enough + 8 ? enough : null;
  const until = cut ?? whole;
  const linear = cut ? 84 : 100;
  const x = (t: number): number =>
    cut && t > cut ? linear + ((Math.min(t, call.end) - cut) / Math.max(call.end - cut, 1)) * (100 - linear) : (Math.min(t, until) * linear) / until;
  const y = (i: number): number => TOP + i * row + row / 2;
  const height = TOP + (call.managers.length + 1) * row + 4;
  const parts = axis(x, until, height, how.second, call.promise);
  const lower = call.join ? call.managers.findIndex((leg) => leg.leg === call.join?.leg) + 1 : 0;
  if (call.join) {
    const [from, to] = [x(call.join.from), x(call.join.to)];
    parts.push(el('rect', { class: 'join', x: pct(from), width: pct(to - from), y: y(0), height: y(lower) - y(0) }));
  }
  const lanes: [string, Lane][] = [['v', call.visitor], ...call.managers.map((leg): [string, Lane] => ['m', leg])];
  lanes.forEach(([lane, leg], i) => {
    for (const [from, to, kind] of leg.segments) parts.push(segment(lane, x(from), x(to), y(i), 12, kind));
  });
  if (call.join) parts.push(...talking(call.join, x, y(0), y(lower), cut));
  for (const [i, from, to, words, hot] of how.brackets ?? []) parts.push(...bracket(x(from), x(to), y(i) + 15, words, hot ?? false));
  if (x(call.promise) <= 100) parts.push(...flag(x(call.promise), 3, height - 2, `${call.promise}\u00a0${how.second}`));
  lanes.forEach(([, leg], i) => parts.push(...ending(leg, x, y(i))));
  return { height, parts };
}

function axis(x: (t: number) => number, until: number, height: number, second: string, promise: number): Node[] {
  const step = until <= 24 ? 5 : until <= 75 ? 10 : until <= 160 ? 20 : Math.ceil(until / 600) * 60;
  const parts: Node[] = [];
  for (let t = 0; t <= until; t += step) {
    parts.push(el('line', { class: 'ax', x1: pct(x(t)), x2: pct(x(t)), y1: TOP - 4, y2: height - 2, 'stroke-width': 1 }));
    const anchor = t === 0 ? 'start' : x(t) > 98 ? 'end' : 'middle';
    // The flag's own label stands where a number of the axis would touch it.
    if (Math.abs(x(t) - x(promise)) > 8) parts.push(label(t ? String(t) : `0\u00a0${second}`, { x: pct(x(t)), y: 14, 'text-anchor': anchor }));
  }
  return parts;
}

function talking(join: { from: number; to: number }, x: (t: number) => number, top: number, bottom: number, cut: number | null): Node[] {
  const [from, to] = [x(join.from), x(join.to)];
  const parts = bars(from, to - from, top, bottom, 14);
  parts.push(el('line', { class: 'mk', 'stroke-width': 2, x1: pct(from), x2: pct(from), y1: top - 7, y2: bottom + 7 }));
  if (cut) for (const lane of [top, bottom]) parts.push(el('svg', { x: '90%', y: lane, overflow: 'visible' }, el('path', { class: 'cutm', d: 'M-2.4 8L2.4 -8M4.6 8L9.4 -8' })));
  return parts;
}

function bracket(from: number, to: number, y: number, words: string, hot: boolean): Node[] {
  const text = label(words, { class: hot ? 'b' : 'tg', 'text-anchor': 'middle' });
  return [
    el('line', { class: hot ? 'br hot' : 'br', x1: pct(from), x2: pct(to), y1: y, y2: y }),
    el('svg', { x: pct((from + to) / 2), y: y + 14, overflow: 'visible' }, text),
  ];
}

function ending(leg: Lane, x: (t: number) => number, y: number): Node[] {
  if (!leg.end) return [];
  const at = x(leg.end.at);
  const parts = [mark(leg.end.mark, at, y, leg.talked ? 7 : 4.4)];
  if (leg.end.words && !leg.talked) {
    const start = Math.min(...leg.segments.filter(([, , kind]) => kind !== 'wait').map(([from]) => x(from)), at);
    // On a telephone a letter is about 4 % of the picture: the words stand where there is room for them.
    const width = leg.end.words.length * 3;
    const isTight = at + width > 100;
    const left = isTight && start > Math.min(width, 55);
    const where = left ? { x: pct(start), dx: -8, y: y + 4 } : isTight ? { x: pct(at), dx: 0, y: y - 11 } : { x: pct(at), dx: 10, y: y + 4 };
    parts.push(label(leg.end.words, { class: 'b', ...where, 'text-anchor': isTight ? 'end' : 'start' }));
  }
  return parts;
}

/** The glyph of a disposition, 20×14: joined, lower lane broken, upper lane broken (and the lower empty where nobody was
 *  on the line), both empty. */
export function glyph(disposition: string | null, isManned = true): Node[] {
  const bar = (y: number, lane: string): Node => el('rect', { class: `f${lane}`, x: 1, y, width: 18, height: 5, rx: 1.5 });
  const gap = (y: number, lane: string): Node =>
    el('rect', { class: `o ${lane}`, x: 1.8, y: y + 0.8, width: 16.4, height: 3.4, rx: 1.2, 'stroke-width': 1.5, 'stroke-dasharray': '3 2' });
  if (disposition === 'connected') return [bar(1.5, 'v'), bar(7.5, 'm')];
  if (disposition === 'manager_no_answer') return [bar(0.5, 'v'), gap(8.5, 'm')];
  if (disposition === 'visitor_no_answer') return [gap(0.5, 'v'), isManned ? bar(8.5, 'm') : gap(8.5, 'q')];
  return [gap(0.5, 'q'), gap(8.5, 'q')];
}

/** A small example for a choice: [lane, from, to, kind], marks, and where the bars begin (all in per cent). */
export function example(segments: [string, number, number, Kind][], marks: [number, Mark][] = [], band?: number): Node[] {
  const parts = segments.map(([lane, from, to, kind]) => segment(lane, from, to, lane === 'm' ? 17 : 7, 7, kind));
  if (band !== undefined) parts.push(...bars(band, 72 - band, 7, 17, 9));
  parts.push(...marks.map(([at, kind]) => mark(kind, at, 17, 2.7)));
  return parts;
}

/** One sign of the legend. */
export function sample(kind: Kind | Mark | 'talk'): Node[] {
  if (kind === 'wait' || kind === 'ring' || kind === 'up') return [segment(kind === 'wait' ? 'q' : 'm', 0, 100, 6, 8, kind)];
  if (kind === 'talk') return bars(0, 100, 3, 9, 5.5);
  return [mark(kind, 50, 6, 4)];
}
