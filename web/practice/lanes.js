// How a call is drawn: two lanes on one clock that starts at the order. The visitor is above, managers below; dots =
// waits, ticks = rings, thin = answered and not joined, two bars that touch = they talk; ■ ○ × △ │ = how a try ended;
// the flag = the promise. SVG by attributes alone, so that it passes `style-src 'self'`. It knows no words.

const NS = 'http://www.w3.org/2000/svg';

/** An SVG element with attributes and children. */
function el(name, attributes = {}, ...children) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

const pct = (value) => `${Math.round(value * 100) / 100}%`;

/** Journal scale, the same in every row: 0–60 s take 62 %, 60–120 s take 14 %. */
const journalX = (t) => (t <= 60 ? (t * 62) / 60 : 62 + (Math.min(t - 60, 60) * 14) / 60);
/** Talk on the journal scale: 1 s = 4 %, 1 min = 16 %, 10 min = 29 %. */
const talkWidth = (s) => Math.min(38, 4 + Math.log2(1 + s / 10) * 4.2);
/** Live scale: 0–40 s take 72 %, later seconds are drawn slower. */
const liveX = (t) => (t <= 40 ? t * 1.8 : 72 + Math.min(t - 40, 80) * 0.35);

function segment(lane, from, to, y, height, kind) {
  const place = { x1: pct(from), x2: pct(to), y1: y, y2: y };
  if (kind === 'ring') return el('line', { class: `${lane} ring`, ...place, 'stroke-width': height, 'stroke-dasharray': '2 3' });
  if (kind === 'up') return el('line', { class: lane, ...place, 'stroke-width': Math.max(2.5, height * 0.36) });
  return el('line', { class: 'q', ...place, 'stroke-width': 1.5, 'stroke-dasharray': '1.5 4', 'stroke-linecap': 'round' });
}

/** The mark at the end of a try: none ○, busy ■, decline ×, fail △, stop │. */
function mark(kind, x, y, r) {
  const group = el('svg', { x: pct(x), y, overflow: 'visible' });
  if (kind !== 'stop') group.append(el('rect', { class: 'halo', x: -r - 2, y: -r - 2, width: 2 * r + 4, height: 2 * r + 4 }));
  const side = 2 * r - 0.8;
  const shapes = {
    none: () => el('circle', { class: 'mk bg', r }),
    busy: () => el('rect', { class: 'mk f', x: 0.4 - r, y: 0.4 - r, width: side, height: side }),
    decline: () => el('path', { class: 'mk two', d: `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}` }),
    fail: () => el('path', { class: 'mk bg', d: `M0 ${-r - 0.6}L${r + 0.8} ${r}L${-r - 0.8} ${r}Z` }),
    stop: () => el('path', { class: 'mk two', d: `M0 ${-r - 1}V${r + 1}` }),
  };
  group.append(shapes[kind]());
  return group;
}

/** The promise: a dotted line, and a black label where there is room for one. */
function flag(x, top, bottom, label) {
  const parts = [el('line', { class: 'pr', x1: pct(x), x2: pct(x), y1: label ? top + 16 : top, y2: bottom })];
  if (label) {
    const text = el('text', { class: 'fl', x: 0, y: 11, 'text-anchor': 'middle' });
    text.textContent = label;
    parts.push(el('svg', { x: pct(x), y: top, overflow: 'visible' }, el('rect', { class: 'fi', x: -22, y: -1, width: 44, height: 16, rx: 4 }), text));
  }
  return parts;
}

function bars(from, width, top, bottom, height) {
  return [
    el('rect', { class: 'fv', x: pct(from), width: pct(width), y: top - height / 2, height, rx: 2 }),
    el('rect', { class: 'fm', x: pct(from), width: pct(width), y: bottom - height / 2, height, rx: 2 }),
  ];
}

function picture(height, label, parts, name = '') {
  const attributes = { class: `lanes ${name}`, height };
  return el('svg', label ? { ...attributes, role: 'img', 'aria-label': label } : { ...attributes, 'aria-hidden': 'true' }, ...parts);
}

/** What a row of the journal shows: every try of a manager in the lower lane. */
export function mini(call, label) {
  const x = journalX;
  const parts = flag(x(call.promise), 0, 24, '');
  for (const [from, to, kind] of call.visitor.segments) parts.push(segment('v', x(from), x(to), 6, 7, kind));
  for (const leg of call.managers) for (const [from, to, kind] of leg.segments) parts.push(segment('m', x(from), x(to), 18, 7, kind));
  if (call.join) parts.push(...bars(x(call.join.from), talkWidth(call.join.to - call.join.from), 7, 17, 9));
  const isTold = (leg) => leg.end && !leg.talked && !(call.join && leg.end.mark === 'stop');
  for (const leg of call.managers) if (isTold(leg)) parts.push(mark(leg.end.mark, x(leg.end.at), 18, 2.7));
  if (call.visitor.end && !call.visitor.talked) parts.push(mark(call.visitor.end.mark, x(call.visitor.end.at), 6, 2.7));
  return picture(24, label, parts);
}

/** Two lanes that grow, for the live state. `band` = they talk since. */
export function live({ visitor, manager, marks, band, now, promise, flagLabel }) {
  const x = liveX;
  const parts = [];
  const end = band === null ? x(now) : x(band);
  for (const [from, to, kind] of visitor) parts.push(segment('v', x(from), Math.min(x(to), end), 32, 12, kind));
  for (const [from, to, kind] of manager) parts.push(segment('m', x(from), Math.min(x(to), end), 56, 12, kind));
  if (band === null) {
    parts.push(segment('q', end, 100, 32, 12, 'wait'), segment('q', end, 100, 56, 12, 'wait'));
  } else {
    parts.push(...bars(end, 100 - end, 35.5, 52.5, 16));
  }
  for (const [at, kind] of marks) parts.push(mark(kind, x(at), 56, 4));
  if (promise) parts.push(...flag(x(promise), 3, 68, flagLabel));
  return picture(70, '', parts, 'live');
}

const ROW = 44;
const TOP = 26;

/** The whole call: a lane for the visitor, one for each manager's try, to scale; long talks are cut. */
export function full(call, label, second) {
  const whole = Math.max(call.end, call.promise) + 1.5;
  const enough = call.join ? Math.max(call.join.from + 15, call.promise + 4) : whole;
  const cut = whole > enough + 8 ? enough : null;
  const until = cut ?? whole;
  const linear = cut ? 84 : 100;
  const x = (t) => (cut && t > cut ? linear + ((Math.min(t, call.end) - cut) / Math.max(call.end - cut, 1)) * (100 - linear) : (t * linear) / until);
  const y = (row) => TOP + row * ROW + ROW / 2;
  const height = TOP + (call.managers.length + 1) * ROW + 4;
  const parts = [...axis(x, until, height, second, call.promise), ...joined(call, x, y, cut)];
  const lanes = [['v', call.visitor], ...call.managers.map((leg) => ['m', leg])];
  lanes.forEach(([lane, leg], row) => {
    for (const [from, to, kind] of leg.segments) parts.push(segment(lane, x(from), x(to), y(row), 12, kind));
  });
  if (call.join) parts.push(...talking(call, x, y, cut));
  parts.push(...flag(x(call.promise), 3, height - 2, `${call.promise} ${second}`));
  lanes.forEach(([, leg], row) => parts.push(...ending(leg, x, y(row))));
  return picture(height, label, parts);
}

function axis(x, until, height, second, promise) {
  const step = until <= 24 ? 5 : until <= 75 ? 10 : 20;
  const parts = [];
  for (let t = 0; t <= until; t += step) {
    const text = el('text', { x: pct(x(t)), y: 14, 'text-anchor': t ? 'middle' : 'start' });
    text.textContent = t ? String(t) : `0 ${second}`;
    parts.push(el('line', { class: 'ax', x1: pct(x(t)), x2: pct(x(t)), y1: TOP - 4, y2: height - 2 }));
    if (Math.abs(x(t) - x(promise)) > 8) parts.push(text);
  }
  return parts;
}

const rowOf = (call) => call.managers.findIndex((leg) => leg.leg === call.join.leg) + 1;

function joined(call, x, y) {
  if (!call.join) return [];
  const [from, to] = [x(call.join.from), x(call.join.to)];
  return [el('rect', { class: 'join', x: pct(from), width: pct(to - from), y: y(0), height: y(rowOf(call)) - y(0) })];
}

function talking(call, x, y, cut) {
  const [top, bottom] = [y(0), y(rowOf(call))];
  const [from, to] = [x(call.join.from), x(call.join.to)];
  const parts = bars(from, to - from, top, bottom, 14);
  parts.push(el('line', { class: 'mk two', x1: pct(from), x2: pct(from), y1: top - 7, y2: bottom + 7 }));
  if (cut) {
    for (const lane of [top, bottom]) {
      parts.push(el('svg', { x: '90%', y: lane, overflow: 'visible' }, el('path', { class: 'cut', d: 'M-2.4 8L2.4 -8M4.6 8L9.4 -8' })));
    }
  }
  return parts;
}

function ending(leg, x, y) {
  if (!leg.end) return [];
  const at = x(leg.end.at);
  const parts = [mark(leg.end.mark, at, y, leg.talked ? 7 : 4.4)];
  if (leg.end.words && !leg.talked) {
    const start = Math.min(...leg.segments.filter(([, , kind]) => kind !== 'wait').map(([from]) => x(from)), at);
    // On a telephone a letter is about 4 % of the picture: the words stand where there is room for them.
    const width = leg.end.words.length * 4;
    const left = at + width > 104 && start > Math.min(width, 55);
    const text = el('text', { class: 'b', x: pct(left ? start : at), dx: left ? -8 : 10, y: y + 4, 'text-anchor': left ? 'end' : 'start' });
    text.textContent = leg.end.words;
    parts.push(text);
  }
  return parts;
}

/** The glyph of a disposition: joined, lower lane broken, upper lane broken, both empty. */
export function glyph(disposition) {
  const bar = (y, lane) => el('rect', { class: `f${lane}`, x: 1, y, width: 18, height: 5, rx: 1.5 });
  const gap = (y, lane) => el('rect', { class: `o ${lane}`, x: 1.8, y: y + 0.8, width: 16.4, height: 3.4, rx: 1.2, 'stroke-width': 1.5, 'stroke-dasharray': '3 2' });
  const shapes = {
    connected: [bar(1.5, 'v'), bar(7.5, 'm')],
    manager_no_answer: [bar(0.5, 'v'), gap(8.5, 'm')],
    visitor_no_answer: [gap(0.5, 'v'), bar(8.5, 'm')],
    not_called: [gap(0.5, 'q'), gap(8.5, 'q')],
  };
  return el('svg', { class: 'lanes glyph', width: 20, height: 14, viewBox: '0 0 20 14', 'aria-hidden': 'true' }, ...(shapes[disposition] ?? shapes.not_called));
}

/** A small example for a choice: [[lane, from, to, kind]], and where the bars begin. */
export function example(segments, band) {
  const parts = segments.map(([lane, from, to, kind]) => segment(lane, from, to, lane === 'm' ? 17 : 7, 7, kind));
  if (band) parts.push(...bars(band, 100 - band, 7, 17, 9));
  return picture(24, '', parts);
}

/** The key of the marks. */
export function sample(kind) {
  const parts = {
    wait: () => [segment('q', 0, 100, 6, 8, 'wait')],
    ring: () => [segment('m', 0, 100, 6, 8, 'ring')],
    up: () => [segment('m', 0, 100, 6, 8, 'up')],
    talk: () => bars(0, 100, 3, 9, 5.5),
  };
  return picture(12, '', parts[kind] ? parts[kind]() : [mark(kind, 50, 6, 4)], 'sample');
}
