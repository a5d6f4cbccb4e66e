// The first page: choose who answers, order a call, watch it, and hear what each side heard. It talks to the order API
// like any page of a site, and to /practice/v1 for numbers, settings, journal and sound.

import { example, full, glyph, live, mini, sample } from './lanes.js';
import { legEnd, told } from './told.js';
import { say, seconds, speak, spoken } from './strings.js';

const ORDERS = '/w/v1/practice/orders';
const PROMISE_S = 29;
/** Attempts to find the record of a call that is over: it is written when both telephones are down. */
const RECORD_TRIES = 24;

const at = (id) => document.getElementById(id);
/** An element of a kind with a class, a text, children. */
function make(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const page = {
  numbers: { visitors: [], managers: [] },
  settings: null,
  visitor: localStorage.getItem('visitor') ?? '',
  /** The order that is shown: {id, phone, name, began, states: [[seconds, state]], last, mode}. */
  order: null,
  stream: null,
  problem: null,
  calls: [],
  before: null,
  saving: Promise.resolve(),
};

// ── what is asked of the service ──────────────────────────────────────────────────────────────────────────────

class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? '');
    this.kind = String(problem.type ?? '').split('/').pop();
  }

  words() {
    const known = say(`problems.${this.kind}`, { detail: this.message });
    return known === this.kind ? this.message || say('problems.internal') : known;
  }
}

async function ask(path, body) {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Refused({ type: 'unsent', detail: say('unsent') });
  }
  if (response.ok) return response.json();
  throw new Refused(await response.json().catch(() => ({})));
}

function showProblem(id, error) {
  at(id).hidden = !error;
  at(id).textContent = error ? (error.words?.() ?? String(error)) : '';
}

// ── words and names ───────────────────────────────────────────────────────────────────────────────────────────

const pretty = (phone) => phone.replace(/^\+7(\d{3})(\d{3})(\d\d)(\d\d)$/, '+7\u00a0$1\u00a0$2-$3-$4');

/** A manager's name in the spoken language; settings and journal have it in Russian. */
function nameOf(name) {
  const found = page.numbers.managers.find((manager) => manager.name.ru === name);
  return found ? found.name[spoken()] : name;
}

const numberOf = (name) => pretty(page.numbers.managers.find((manager) => manager.name[spoken()] === name)?.number ?? '');

function translate() {
  document.documentElement.lang = spoken();
  document.title = say('title');
  at('languages').setAttribute('aria-label', say('language'));
  for (const node of document.querySelectorAll('[data-say]')) node.textContent = say(node.dataset.say);
  for (const button of at('languages').children) button.setAttribute('aria-pressed', String(button.dataset.language === spoken()));
  const kinds = ['wait', 'ring', 'up', 'talk', 'busy', 'none', 'decline', 'fail', 'stop'];
  at('legend').replaceChildren(...kinds.map((kind) => make('li', '', sample(kind), say(`legend_${kind}`))));
}

function drawAll() {
  translate();
  drawChoices();
  drawLive();
  drawJournal();
}

// ── who answers, and how ──────────────────────────────────────────────────────────────────────────────────────

function drawChoices() {
  const { visitors } = page.numbers;
  if (!visitors.some((visitor) => visitor.number === page.visitor)) page.visitor = visitors[0]?.number ?? '';
  at('visitors').replaceChildren(...visitors.map(visitorRow));
  if (!page.settings) return;
  const { managers, mode, strategy, delay_to_visitor_s: delay, announce, version } = page.settings;
  const rest = page.numbers.managers.map((manager) => manager.number).filter((number) => !managers.includes(number));
  at('managers').replaceChildren(...[...managers, ...rest].map((number) => managerRow(number, managers)));
  for (const [name, value] of [['mode', mode], ['strategy', strategy]]) {
    for (const input of document.getElementsByName(name)) input.checked = input.value === value;
  }
  if (document.activeElement !== at('delay')) at('delay').value = String(delay);
  at('announce').checked = announce;
  at('saved').textContent = say('saved', { version });
}

function visitorRow({ number, does }) {
  const input = make('input', '');
  Object.assign(input, { type: 'radio', name: 'visitor', value: number, checked: number === page.visitor });
  input.addEventListener('change', () => {
    page.visitor = number;
    localStorage.setItem('visitor', number);
    drawLive();
  });
  return make('label', 'row', input, make('span', '', make('b', '', pretty(number)), make('small', '', does[spoken()])));
}

function managerRow(number, chosen) {
  const manager = page.numbers.managers.find((known) => known.number === number);
  const place = chosen.indexOf(number);
  const name = manager?.name[spoken()] ?? number;
  const input = make('input', '');
  Object.assign(input, { type: 'checkbox', checked: place >= 0 });
  input.addEventListener('change', () => {
    const managers = place >= 0 ? chosen.filter((other) => other !== number) : [...chosen, number];
    save({ managers }, () => at('managers').querySelector(`[data-number="${number}"] input`));
  });
  const extension = manager?.extension ? `, ${say('extension', { digits: manager.extension })}` : '';
  const badge = place >= 0 ? make('span', 'place num', String(place + 1)) : null;
  const words = make('span', '', badge, make('b', '', name), make('span', 'number', pretty(number), extension), make('small', '', manager?.does[spoken()] ?? ''));
  const row = make('li', place >= 0 ? 'row' : 'row off', make('label', '', input, words));
  row.dataset.number = number;
  if (place >= 0 && chosen.length > 1) row.append(make('span', 'move', mover(number, chosen, place, -1, name), mover(number, chosen, place, 1, name)));
  return row;
}

function mover(number, chosen, place, step, name) {
  const key = step < 0 ? 'up' : 'down';
  const button = make('button', '', step < 0 ? '↑' : '↓');
  Object.assign(button, { type: 'button', disabled: place + step < 0 || place + step >= chosen.length, title: say(key, { name }) });
  button.setAttribute('aria-label', say(key, { name }));
  button.dataset.move = key;
  button.addEventListener('click', () => {
    const managers = chosen.filter((other) => other !== number);
    managers.splice(place + step, 0, number);
    save({ managers }, () => {
      const buttons = [...at('managers').querySelectorAll(`[data-number="${number}"] button:not(:disabled)`)];
      return buttons.find((other) => other.dataset.move === key) ?? buttons[0];
    });
  });
  return button;
}

/** Publishes a change; `focus` finds the control again after the list is drawn anew. */
function save(change, focus) {
  if (change.managers?.length === 0) {
    showProblem('settings-problem', say('choose_one'));
    drawChoices();
    focus?.()?.focus();
    return;
  }
  page.settings = { ...page.settings, ...change };
  showProblem('settings-problem', null);
  drawChoices();
  focus?.()?.focus();
  const { managers, mode, strategy, delay_to_visitor_s, announce } = page.settings;
  at('saved').textContent = say('saving');
  page.saving = page.saving
    .then(() => ask('/practice/v1/settings', { managers, mode, strategy, delay_to_visitor_s, announce }))
    .then((published) => {
      page.settings.version = published.version;
      at('saved').textContent = say('saved', { version: published.version });
    })
    .catch((error) => {
      at('saved').textContent = '';
      showProblem('settings-problem', error);
    });
}

// ── the order, live ───────────────────────────────────────────────────────────────────────────────────────────

async function order() {
  const id = crypto.randomUUID();
  at('order').disabled = true;
  at('order').textContent = say('ordering');
  showProblem('live-problem', null);
  await page.saving;
  const phone = page.visitor;
  const mode = page.settings?.mode ?? 'together';
  const visit = { page: location.href, language: spoken(), started_at: new Date(performance.timeOrigin).toISOString() };
  try {
    const view = await ask(ORDERS, { order_id: id, phone, country: 'RU', office: null, at: null, visit, consent: { text_version: 'practice', given: true } });
    begin({ id, phone, mode, began: Date.now(), states: [], last: null, name: null });
    heed(view);
    watch();
  } catch (error) {
    showProblem('live-problem', error);
  } finally {
    at('order').disabled = false;
    drawLive();
  }
}

function begin(shown) {
  page.order = shown;
  keep();
  clearInterval(page.clock);
  page.clock = setInterval(drawLanes, 1000);
}

const keep = () => sessionStorage.setItem('order', JSON.stringify(page.order));
const isOver = () => page.order?.last?.state === 'ended';

/** Takes what the service says of the order. */
function heed(status) {
  const shown = page.order;
  if (!shown) return;
  const elapsed = (Date.now() - shown.began) / 1000;
  const changed = shown.last?.state !== status.state;
  if (changed) shown.states.push([Math.round(elapsed * 10) / 10, status.state]);
  if (status.detail?.manager) shown.name = status.detail.manager;
  shown.last = status;
  keep();
  drawLive();
  if (changed) at('announce-state').textContent = at('state-title').textContent;
  if (isOver()) over();
}

function watch() {
  page.stream?.close();
  const stream = new EventSource(`${ORDERS}/${page.order.id}/events`);
  page.stream = stream;
  stream.addEventListener('state', (event) => {
    showProblem('live-problem', null);
    heed(JSON.parse(event.data));
  });
  stream.addEventListener('error', () => {
    if (isOver()) return stream.close();
    showProblem('live-problem', say('lost_stream'));
    // A browser gives up for good where the answer was no stream; we do not.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => page.stream === stream && watch(), 2000);
  });
}

async function cancel() {
  at('cancel').disabled = true;
  try {
    heed(await ask(`${ORDERS}/${page.order.id}/cancel`, {}));
  } catch (error) {
    showProblem('live-problem', error);
  }
  at('cancel').disabled = false;
}

/** The call is over: its line opens in the journal as soon as it is written. */
async function over() {
  page.stream?.close();
  clearInterval(page.clock);
  const { id } = page.order;
  for (let n = 0; n < RECORD_TRIES; n += 1) {
    const call = await ask(`/practice/v1/calls/${id}`).catch(() => null);
    if (call?.disposition) break;
    await new Promise((done) => setTimeout(done, 500));
  }
  await loadJournal(id);
}

function liveWords() {
  const { last, phone, name, mode, states } = page.order;
  const elapsed = states.find(([, state]) => state === 'talking')?.[0] ?? 0;
  const values = { phone: pretty(phone), name: name ? nameOf(name) : say('manager'), seconds: seconds(Math.round(elapsed)), elapsed: Math.round(elapsed), talk: clock(last.detail?.talk_s ?? 0) };
  const pair = (title, text) => [say(title, values), text ? say(text, values) : ''];
  switch (last.state) {
    case 'calling_manager':
      return last.detail?.late ? pair('calling_late', 'calling_late_text') : pair('calling_manager', 'calling_manager_text');
    case 'calling_visitor':
      return pair('calling_visitor', mode === 'manager_first' ? 'calling_visitor_text' : 'calling_together_text');
    case 'waiting':
      return pair('waiting', 'waiting_text');
    case 'talking':
      return pair('talking', 'talking_text');
    case 'ended':
      return pair(...endWords(last));
    default:
      return pair('accepted', 'accepted_text');
  }
}

function endWords({ disposition, reason }) {
  const key = disposition === 'visitor_no_answer' ? { busy: 'visitor_busy', refused: 'visitor_refused', left_at_once: 'visitor_left', hung_up_at_once: 'visitor_left' }[reason] ?? disposition : reason === 'cancelled' ? 'cancelled' : disposition;
  return [`${key}_title`, `${key}_text`];
}

function drawLive() {
  const running = page.order && !isOver();
  at('cancel').hidden = !running || page.order.last?.state === 'talking';
  at('order').hidden = Boolean(running);
  at('order').textContent = say(page.order ? 'order_again' : 'order');
  if (page.order?.last) {
    const [title, text] = liveWords();
    at('state-title').textContent = title;
    at('state-text').textContent = isOver() ? `${text} ${say('see_below')}` : text;
  } else {
    const visitor = page.numbers.visitors.find((known) => known.number === page.visitor);
    const [before, after] = say('ready', { seconds: '\n' }).split('\n');
    at('state-title').replaceChildren(before, make('span', 'seconds', seconds(PROMISE_S)), after ?? '');
    at('state-text').textContent = visitor ? say('ready_text', { phone: pretty(visitor.number), does: visitor.does[spoken()] }) : '';
  }
  drawLanes();
}

/** The two lanes as the states of the order tell them. */
function drawLanes() {
  const shown = page.order;
  const label = `${PROMISE_S} ${say('seconds_short')}`;
  const now = shown ? (isOver() ? shown.states.at(-1)[0] : (Date.now() - shown.began) / 1000) : 0;
  const drawn = { visitor: [], manager: [], marks: [], band: null, now, promise: PROMISE_S, flagLabel: label };
  const kinds = { calling_manager: ['wait', 'ring'], calling_visitor: ['ring', shown?.mode === 'manager_first' ? 'up' : 'ring'], waiting: ['up', 'ring'] };
  shown?.states.forEach(([from, state], n) => {
    const to = shown.states[n + 1]?.[0] ?? now;
    const [visitor, manager] = kinds[state] ?? ['wait', 'wait'];
    if (state === 'talking') drawn.band = from;
    if (drawn.band !== null || state === 'ended') return;
    drawn.visitor.push([from, to, visitor]);
    drawn.manager.push([from, to, manager]);
  });
  at('live-lanes').replaceChildren(make('div', 'who', make('span', '', say('you')), make('span', '', say('manager'))), live(drawn));
}

// ── the journal ───────────────────────────────────────────────────────────────────────────────────────────────

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.round(s) % 60).padStart(2, '0')}`;
const time = (stamp, withSeconds) => new Date(stamp).toLocaleTimeString(spoken(), { hourCycle: 'h23', hour: '2-digit', minute: '2-digit', second: withSeconds ? '2-digit' : undefined });

/** Loads the newest calls, or those before; opens one. */
async function loadJournal(open, before) {
  try {
    const found = await ask(`/practice/v1/calls${before ? `?before=${encodeURIComponent(before)}` : ''}`);
    page.calls = before ? [...page.calls, ...found.calls] : found.calls;
    page.before = found.before;
  } catch (error) {
    showProblem('live-problem', error);
  }
  drawJournal(open);
  if (open) document.getElementById(`call-${open}`)?.scrollIntoView({ block: 'nearest' });
}

function drawJournal(open) {
  const opened = new Set([...at('calls').querySelectorAll('details[open]')].map((node) => node.id));
  if (open) opened.clear();
  if (open) opened.add(`call-${open}`);
  at('journal-empty').hidden = page.calls.length > 0;
  at('more').hidden = !page.before || page.calls.length < 10;
  at('calls').replaceChildren(...page.calls.map((call) => entry(call, opened)));
}

function entry(call, opened) {
  const drawn = told(call, nameOf);
  const key = call.disposition ?? 'running';
  const sentence = call.disposition === 'connected' ? say('say_connected', figures(call)) : [say(key), call.reason && say(`reasons.${call.reason}`)].filter(Boolean).join(': ');
  const what = make('span', 'what', make('span', `chip ${key}`, glyph(key), say(key)));
  if (call.reason) what.append(make('small', 'why', say(`reasons.${call.reason}`)));
  const moment = make('time', '', time(call.accepted_at));
  moment.dateTime = call.accepted_at;
  const node = make('details', '', make('summary', '', moment, make('b', '', pretty(call.phone)), mini(drawn, sentence), what));
  node.id = `call-${call.order_id}`;
  const fill = () => node.open && node.children.length === 1 && node.append(opening(call, drawn, sentence));
  node.addEventListener('toggle', fill);
  node.open = opened.has(node.id);
  fill();
  return node;
}

const figures = (call) => ({ elapsed: Math.round((call.bridged_ms ?? 0) / 1000), talk: clock((call.talk_ms ?? 0) / 1000) });

/** What stands below an opened line: figures, lanes, sound, and the same facts as a list. */
function opening(call, drawn, sentence) {
  const { elapsed, talk } = figures(call);
  const figure = (value, words) => make('p', '', make('b', '', value), make('span', 'help', words));
  const short = say('seconds_short');
  const numbers = call.talk_ms === null ? [figure(`${Math.round((call.ended_ms ?? 0) / 1000)} ${short}`, say('asked'))] : [figure(`${elapsed} ${short}`, say('to_join', { promise: drawn.promise })), figure(talk, say('talk'))];
  const rows = [['v', say('visitor'), pretty(call.phone)], ...drawn.managers.map((leg) => ['m', leg.name, numberOf(leg.name)])];
  const names = make('ul', 'names', ...rows.map(([lane, name, sub]) => make('li', lane, make('b', '', name), make('span', '', sub))));
  const picture = make('div', 'tl', names, full(drawn, sentence, short));
  const left = make('div', '', make('div', 'figures', ...numbers), picture, heard(call));
  return make('div', 'call', left, make('div', '', make('div', '', make('h3', 'h2', say('by_second')), facts(call))));
}

function heard(call) {
  const answered = call.lanes.filter((leg) => leg.answered_ms !== null);
  const players = answered.sort((a, b) => b.lane.localeCompare(a.lane) || a.leg - b.leg).map((leg) => {
    const words = leg.lane === 'visitor' ? say('heard_visitor') : say('heard_manager', { name: nameOf(leg.name) });
    const audio = make('audio', '');
    Object.assign(audio, { controls: true, preload: 'metadata', src: `/practice/v1/calls/${call.order_id}/${leg.leg}.wav` });
    audio.setAttribute('aria-label', `${say('heard')}: ${words}`);
    return make('figure', leg.lane === 'visitor' ? 'v' : 'm', make('figcaption', '', words), audio);
  });
  const below = players.length ? players : [make('p', 'help', say('no_sound'))];
  return make('div', 'players', make('h3', 'h2', say('heard')), ...below);
}

function facts(call) {
  const legs = new Map(call.lanes.map((leg) => [leg.leg, leg]));
  const item = (ms, lane, words, first) => make('li', '', make('time', '', first ? time(call.accepted_at, true) : `+${(ms / 1000).toLocaleString(spoken(), { minimumFractionDigits: 1, maximumFractionDigits: 1 })}\u00a0${say('seconds_short')}`), make('span', `dot ${lane}`), make('span', '', words));
  const items = [item(0, '', say('facts.order', { version: call.settings_version }), true)];
  const ended = new Set();
  // Whoever takes the call does so before they talk, though in the same instant.
  const rank = (event) => (event.what === 'talks' ? 1 : 0);
  for (const event of [...call.events].sort((a, b) => a.at_ms - b.at_ms || rank(a) - rank(b))) {
    const leg = legs.get(event.leg);
    const isVisitor = event.lane === 'visitor';
    const name = isVisitor ? say('visitor') : nameOf(event.name);
    const lane = isVisitor ? 'v' : 'm';
    const rings = event.at_ms - (leg?.sent_ms ?? 0) > 500 ? 'rings' : '';
    const key = { sent: isVisitor ? 'sent_visitor' : 'sent_manager', rings, answered: 'answered', 'extension sent': 'digits', 'hears the announcement': 'first_word', accepted: 'accepted', talks: isVisitor ? 'talks' : '' }[event.what];
    if (key) items.push(item(event.at_ms, lane, say(`facts.${key}`, { name })));
    const isEnd = /^(down|hung up|let go|given up)/.test(event.what);
    if (isEnd && leg && !ended.has(event.leg)) {
      ended.add(event.leg);
      items.push(item(event.at_ms, lane, say('facts.end', { name, why: legEnd(leg, call).words })));
    }
  }
  return make('ol', 'log', ...items);
}

// ── the beginning ─────────────────────────────────────────────────────────────────────────────────────────────

function resume() {
  try {
    const kept = JSON.parse(sessionStorage.getItem('order') ?? 'null');
    if (!kept?.id || !kept.last || kept.last.state === 'ended') return null;
    begin(kept);
    watch();
    at('announce-state').textContent = say('found');
  } catch {
    sessionStorage.removeItem('order');
  }
  return page.order?.id ?? null;
}

function listen() {
  at('order').addEventListener('click', order);
  at('cancel').addEventListener('click', cancel);
  at('setup').addEventListener('submit', (event) => event.preventDefault());
  for (const name of ['mode', 'strategy']) {
    for (const input of document.getElementsByName(name)) input.addEventListener('change', () => save({ [name]: input.value }));
  }
  at('announce').addEventListener('change', () => save({ announce: at('announce').checked }));
  at('delay').addEventListener('change', () => at('delay').checkValidity() && save({ delay_to_visitor_s: Number(at('delay').value) }));
  at('more').addEventListener('click', () => loadJournal(null, page.before));
  at('languages').addEventListener('click', (event) => {
    const chosen = event.target.dataset?.language;
    if (!chosen) return;
    localStorage.setItem('language', chosen);
    speak(chosen);
    drawAll();
  });
}

function drawExamples() {
  const wait = (lane, from, to) => [lane, from, to, 'wait'];
  const pictures = {
    together: [[wait('v', 0, 6), ['v', 6, 34, 'ring'], ['v', 34, 52, 'up'], wait('m', 0, 4), ['m', 4, 52, 'ring']], 52],
    manager_first: [[wait('v', 0, 42), ['v', 42, 68, 'ring'], wait('m', 0, 4), ['m', 4, 40, 'ring'], ['m', 40, 68, 'up']], 68],
    empty: [[wait('v', 0, 100), wait('m', 0, 100)], 0],
  };
  for (const node of document.querySelectorAll('[data-example]')) node.replaceChildren(example(...pictures[node.dataset.example]));
}

async function start() {
  speak(localStorage.getItem('language') ?? (/^(ru|be|uk|kk)\b/.test(navigator.language) ? 'ru' : 'en'));
  translate();
  drawExamples();
  listen();
  try {
    [page.numbers, page.settings] = await Promise.all([ask('/practice/v1/numbers'), ask('/practice/v1/settings')]);
  } catch (error) {
    showProblem('live-problem', error);
  }
  resume();
  drawAll();
  await loadJournal();
}

start();
