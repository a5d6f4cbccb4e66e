// The dialog: an offer, then the order's states as they come, and for each way it can fail the next step.

import type { Lent, Offer, Placed, Status, Told, Why } from './config.ts';
import { h, s } from './dom.ts';
import { lanes, segments } from './lanes.ts';
import { Refused, cancel, follow, offer, order, score, type Wish } from './orders.ts';
import css from './style.css';
import { fill, seconds as spoken, type Words } from './words.ts';

/** A connection that comes back sooner is not missed. */
const OFFLINE_MS = 3_000;
/** How long a press may go without an answer. */
const SOON_MS = 1_500;
const REDRAW_MS = 500;
const RETRY_MS = 3_000;
/** An order that is older is nothing to come back to. */
const OVER_MS = 30 * 60_000;

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const pause = (ms: number): Promise<null> => new Promise((go) => setTimeout(go, ms, null));

/** What is open: how it gets the focus, and how it is closed. */
let shown: { focus(): void; close(): void } | null = null;

export const close = (): void => shown?.close();

/** Opens it, or brings what is open to the front. */
export async function open(lent: Lent, why: Why): Promise<void> {
  if (shown) return shown.focus();
  shown = { focus: () => undefined, close: () => undefined };
  try {
    const { default: words } = (await import(/* @vite-ignore */ lent.config.base + lent.config.files.words)) as { default: Words };
    shown = show(lent, words, why);
  } catch {
    // The service is away: there is nothing to offer.
    shown = null;
  }
}

function show(lent: Lent, w: Words, why: Why): NonNullable<typeof shown> {
  const { config, root, shown: { content = {}, rule } } = lent;
  const relative = new Intl.RelativeTimeFormat(config.language, { numeric: 'auto' });
  const seconds = (n: number): string => spoken(relative, n);
  const names = new Intl.DisplayNames([config.language], { type: 'region' });
  const nameOf = (country: string): string => names.of(country) ?? country;
  const before = document.activeElement;
  let [typed, country] = [lent.shown.phone ?? '', config.country];
  let office: string | null = null;
  let agreed = false;
  const layout = content.layout ?? 'center';
  /** Beside the page: it goes on being read. */
  const isBeside = !['center', 'sheet'].includes(layout);
  let offered: Offer | null = null;
  /** How what goes on is stopped: a stream, a clock. */
  let stops: (() => void)[] = [];

  // ── the box ──

  const style = new CSSStyleSheet();
  style.replaceSync(css);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets.slice(0, 1), style];
  const cross = s('svg', { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round', 'aria-hidden': 'true' }, s('path', { d: 'M5 5l14 14M19 5L5 19' }));
  const body = h('div');
  const box = h('dialog', { class: `d ${layout}`, oncancel: (event: Event) => (event.preventDefault(), end()), onclick: outside }, body, h('button', { class: 'x', type: 'button', 'aria-label': w.close, onclick: end }, cross));
  root.append(box);
  if (content.color) for (const [name, value] of [['--a', content.color], ['--on', content.on ?? '']] as const) box.style.setProperty(name, value);
  if (isBeside) box.addEventListener('keydown', ({ key }) => key === 'Escape' && end());

  function outside({ target, clientX, clientY }: MouseEvent): void {
    const { left, right, top, bottom } = box.getBoundingClientRect();
    if (target === box && (clientX < left || clientX > right || clientY < top || clientY > bottom)) end();
  }

  function end(): void {
    rest();
    box.close();
    box.remove();
    shown = null;
    if (before instanceof HTMLElement) before.focus();
    lent.tell('closed', { rule });
  }

  const focus = (): void => (body.querySelector<HTMLElement>('[type=tel]') ?? body.querySelector<HTMLElement>('.t'))?.focus();

  function rest(): void {
    for (const stop of stops) stop();
    stops = [];
  }

  type Part = Node | string | null | false;
  function draw(title: string, ...parts: Part[]): void {
    box.setAttribute('aria-label', title);
    body.replaceChildren(h('div', { class: 't', role: 'status', tabindex: -1 }, title), ...parts.filter((part): part is Node | string => Boolean(part)));
  }

  const text = (...of: (Node | string)[]): HTMLElement | null => (of[0] ? h('p', { class: 'p' }, ...of) : null);
  const main = (name: string, run: () => void, quiet = false): HTMLElement => h('button', { class: quiet ? 'b so' : 'b', type: 'button', onclick: run }, name);
  const link = (name: string, run: () => void): HTMLElement => h('button', { class: 'l', type: 'button', onclick: run }, name);
  const finish = (): HTMLElement => main(w.closeWindow, end, true);

  // ── the offer ──

  const promised = (): number | null => offered?.promise_seconds ?? null;

  function ask(problem = '', slots = promised() ? [] : (offered?.slots ?? []), head?: readonly [string, string]): void {
    rest();
    const [title, words] = head ?? (slots.length ? (offered?.opens_at ? w.closed : w.busy) : promised() ? [content.title ?? w.title, content.text ?? w.text] : [w.title, w.plainText]);
    let at = slots[0] ?? null;
    const go = h('button', { class: 'b' });
    const choices = slots.map((slot) => h('button', { type: 'button', onclick: () => choose(slot) }, upper(when(slot))));
    const choose = (slot: string | null): void => {
      at = slot;
      choices.forEach((one, i) => one.setAttribute('aria-pressed', String(slots[i] === slot)));
      go.textContent = slot ? fill(w.callAt, { when: when(slot) }) : content.button ?? w.button;
    };
    choose(at);
    const error = h('p', { class: 'e', id: 'e', role: 'alert' }, problem);
    const phone = h('input', { type: 'tel', autocomplete: 'tel', 'aria-label': w.phone, maxlength: 40, value: typed, 'aria-invalid': problem !== '', 'aria-describedby': 'e', oninput: () => {
      typed = phone.value;
      error.textContent = '';
    } });
    // Whoever fills every field is no visitor.
    const trap = h('input', { class: 'hp', tabindex: -1, autocomplete: 'off', 'aria-hidden': 'true' });
    const send = (event: Event): void => {
      event.preventDefault();
      if (!/\d/.test(typed)) ask(w.errors.empty, slots, head);
      else if (config.consent && !agreed) ask(w.errors.consent, slots, head);
      else if (!trap.value) void place({ phone: typed, country, office, at });
    };
    const [start = '', after] = fill(words, { when: offered?.opens_at ? when(offered.opens_at) : '' }).split('{seconds}');
    const promise = seconds(promised() ?? config.promise);
    draw(fill(title, { seconds: promise }), after === undefined ? text(start) : text(start, h('b', { class: 'q' }, promise), after),
      h('form', { onsubmit: send, novalidate: true }, offices(), slots.length > 0 && h('div', { class: 's', role: 'group' }, ...choices), h('div', { class: 'ph' }, ...countries(), phone), error, trap, consent(), go),
      !config.consent && h('p', { class: 'c' }, w.policy, ...privacy()));
    focus();
  }

  const privacy = (): Node[] => (config.privacy ? [document.createTextNode(' '), h('a', { href: config.privacy, target: '_blank', rel: 'noopener' }, w.privacy)] : []);

  function consent(): HTMLElement | null {
    if (!config.consent) return null;
    return h('label', { class: 'c k' }, h('input', { type: 'checkbox', checked: agreed, onchange: (event: Event) => (agreed = (event.target as HTMLInputElement).checked) }), h('span', {}, config.consent.text, ...privacy()));
  }

  function offices(): HTMLElement | null {
    const list = offered?.offices ?? [];
    if (list.length < 2) return null;
    office ??= (list.find((one) => one.open) ?? list[0])?.name ?? null;
    return h('fieldset', { class: 'o' }, h('legend', {}, w.office), ...list.map(({ name, open, opens_at }) =>
      h('label', {}, h('input', { type: 'radio', name: 'o', checked: name === office, onchange: () => (office = name) }), h('span', {}, name, h('small', {}, open ? w.officeOpen : opens_at ? fill(w.officeClosed, { slot: when(opens_at) }) : '')))));
  }

  /** The country's code; all countries come when the list is asked for. */
  function countries(): Node[] {
    const label = h('span', {}, `${config.code} ▾`);
    let list: Promise<unknown> | null = null;
    const load = (): void => {
      list ??= import(/* @vite-ignore */ config.base + config.files.countries).then(({ default: known }: { default: string }) => {
        const options = known.split(' ').map((one) => ({ letters: one.slice(0, 2), code: `+${one.slice(2)}`, name: nameOf(one.slice(0, 2)) }));
        options.sort((a, b) => a.name.localeCompare(b.name));
        select.replaceChildren(...options.map(({ letters, code, name }) => h('option', { value: letters, selected: letters === country }, `${name} ${code}`)));
      }, () => (list = null));
    };
    const select = h('select', { 'aria-label': w.country, onpointerdown: load, onfocus: load, onchange: () => {
      country = select.value;
      label.textContent = `${select.selectedOptions[0]?.text.split(' ').pop()} ▾`;
    } }, h('option', { value: country }, `${nameOf(country)} ${config.code}`));
    return [select, label];
  }

  // ── the order ──

  async function place(wish: Wish, id: string = lent.id()): Promise<void> {
    rest();
    draw(w.states.sending[0]);
    try {
      const answer = await order(lent, id, wish);
      const placed: Placed = { id, phone: wish.phone, at: Date.now(), state: answer.state, told: [], ...(wish.at && { due: wish.at }) };
      lent.keep({ order: placed });
      lent.tell('ordered', { id });
      watch(placed, answer);
    } catch (error) {
      const kind = error instanceof Refused ? error.kind : '';
      if (kind === 'unsent') return unsent(wish, id);
      const { invalid, refused, overloaded, unknown } = w.errors;
      ask({ 'phone-invalid': fill(invalid, { country: nameOf(country) }), 'phone-refused': refused, overloaded, trial: config.trial }[kind] ?? unknown);
    }
  }

  /** It is sent again by itself, as the same order, until it arrives. */
  function unsent(wish: Wish, id: string): void {
    const again = (): void => void place(wish, id);
    draw(w.states.unsent[0], text(w.states.unsent[1]), main(w.again, again));
    const timer = setTimeout(again, RETRY_MS);
    addEventListener('online', again);
    stops.push(() => clearTimeout(timer), () => removeEventListener('online', again));
  }

  /** Shows an order as it goes on, until its end. */
  function watch(placed: Placed, now: Status | null = null): void {
    rest();
    // What was told before the page was loaded anew is known still.
    const told: Told = [...placed.told];
    let [isReached, heading, joined] = [true, '', null as number | null];
    let silence: ReturnType<typeof setTimeout> | undefined;
    const elapsed = (): number => (Date.now() - placed.at) / 1000;
    const picture = (): HTMLElement => lanes(segments(told, joined, elapsed()), w, config.promise);
    const redraw = (): void => {
      const state = now?.state ?? placed.state;
      if (state === 'scheduled' && placed.due) return;
      const name = now?.detail.manager ?? '';
      const which = !isReached ? 'offline' : state === 'calling_manager' && now?.detail.late ? 'late' : state === 'calling_visitor' && name ? 'with' : state === 'scheduled' || state === 'ended' ? 'accepted' : state;
      const old = body.querySelector('.n');
      // The words stay where they are: only what is new is read aloud.
      if (which === heading && old) return old.replaceWith(picture());
      heading = which;
      const [title, words] = w.states[which];
      const talk = told.find(([known]) => known === 'talking');
      const slot = now?.next[0]?.at;
      draw(title, text(fill(words, { phone: placed.phone, name, elapsed: seconds(Math.round(talk?.[1] ?? 0)) })), picture(),
        state === 'talking' ? finish() : link(w.cancel, () => void stop()),
        Boolean(slot) && state !== 'talking' && link(w.later, () => void stop().then(() => ask('', [slot ?? ''], [w.later, w.busy[1]]))));
    };
    const stop = async (): Promise<void> => {
      const answer = await cancel(config, placed.id).catch(() => null);
      if (answer) hear(answer);
    };
    const hear = (status: Status): void => {
      now = status;
      isReached = true;
      if (told.at(-1)?.[0] !== status.state) told.push([status.state, elapsed()]);
      if (status.detail.manager && status.state !== 'talking') joined ??= elapsed();
      lent.keep({ order: { ...placed, state: status.state, told } });
      if (status.state === 'talking') lent.tell('connected', { id: placed.id });
      if (status.state === 'ended') over(placed, status, told[1] ? picture() : null);
      else redraw();
    };
    if (now?.state === 'ended') return hear(now);
    if (placed.due && (now?.state ?? placed.state) === 'scheduled') {
      const at = when(placed.due);
      draw(fill(w.booked[0], { when: at }), text(fill(w.booked[1], { phone: placed.phone })), main(w.fine, end, true), link(w.undoBooked, () => void stop()));
    } else redraw();
    const clock = setInterval(redraw, REDRAW_MS);
    stops.push(() => clearInterval(clock), () => clearTimeout(silence), follow(config, placed.id, hear, (is) => {
      clearTimeout(silence);
      silence = is ? undefined : setTimeout(() => ((isReached = false), redraw()), OFFLINE_MS);
    }));
  }

  // ── the end ──

  function over(placed: Placed, { detail, disposition, reason, next }: Status, picture: Node | null): void {
    rest();
    typed = placed.phone;
    lent.tell('ended', { id: placed.id, disposition });
    const again = (name = w.again): HTMLElement => main(name, () => void place({ phone: placed.phone, country, office, at: null }));
    const slots = next.flatMap((one) => (one.kind === 'slot' && one.at ? [one.at] : []));
    const later = (): HTMLElement => link(w.later, () => void another());
    const say = ([title, words]: readonly [string, string], ...parts: Part[]): void => {
      draw(title, text(fill(words, { phone: placed.phone, talk: seconds(detail.talk_s ?? 0) })), ...parts);
      focus();
    };
    const [f, cause] = [w.failures, detail.cause ?? ''];
    if (disposition === 'connected') {
      if (cause === 'media' && (detail.talk_s ?? 0) < 10) say(f.cut, picture, again(w.againCut), link(w.no, end));
      else if (detail.talk_s) say(w.score, picture, h('div', { class: 's', role: 'group' }, ...[1, 2, 3, 4, 5].map((n) => h('button', { type: 'button', 'aria-label': n === 1 ? `1, ${w.scoreEnds[0]}` : n === 5 ? `5, ${w.scoreEnds[1]}` : n, onclick: () => rated(placed, n) }, String(n)))), link(w.noScore, () => rated(placed, 0)));
      else say(w.states.thanks, picture, finish());
    } else if (disposition === 'visitor_no_answer') {
      if (next[0]?.kind === 'fix_number') say(f.number, main(w.fix, () => ask()));
      else if (/-(486|600)$|0-17$/.test(cause)) say(f.busy, again(), later());
      else if (/-603$|0-21$/.test(cause)) say(f.declined, again(), link(w.no, end));
      else if (/-480$|0-20$/.test(cause)) say(f.unreachable, again(), later());
      else say(f.visitor, again(), link(w.fix, () => ask()), later());
    } else if (disposition === 'manager_no_answer') ask('', slots, f.manager);
    else if (reason === 'cancelled') say(w.states.cancelled, again());
    else if (reason === 'closed') ask('', slots, [w.closed[0], w.busy[1]]);
    else say(f.line, main(w.fine, end, true), later());
  }

  function rated({ id }: Placed, n: number): void {
    if (n) void score(config, id, n).catch(() => undefined);
    draw(w.states.thanks[0], text(w.states.thanks[1]), finish());
    focus();
  }

  /** Another time: what is free now is asked for. */
  async function another(): Promise<void> {
    offered = await offer(config).catch(() => offered);
    ask('', offered?.slots ?? [], [w.later, w.busy[1]]);
  }

  /** «завтра в 9:30», by the visitor's own clock. */
  function when(at: string): string {
    const [time, now] = [new Date(at), new Date()];
    const minutes = Math.round((+time - +now) / 60_000);
    if (minutes > 0 && minutes < 30) return relative.format(minutes, 'minute');
    const days = Math.round((+new Date(time.toDateString()) - +new Date(now.toDateString())) / 86_400_000);
    const day = days < 2 ? relative.format(days, 'day') : time.toLocaleDateString(config.language, { weekday: 'short', day: 'numeric', month: 'short' });
    return fill(w.onDay, { day, time: time.toLocaleTimeString(config.language, { hour: 'numeric', minute: '2-digit' }) });
  }

  const { order: placed } = lent.visit();
  const goesOn = placed && placed.state !== 'ended' && (placed.due ?? Date.now() - placed.at < OVER_MS);
  const begin = (): void => {
    if (isBeside) box.show();
    else box.showModal();
    // What came by itself beside the page leaves its reader where he is.
    if (!isBeside || why !== 'rule') focus();
    // What came by itself is taken up by a press or a letter.
    const taken = (): void => lent.tell('opened', { why, rule });
    if (why !== 'rule') taken();
    else for (const sign of ['input', 'click']) body.addEventListener(sign, take, true);
    function take(): void {
      for (const sign of ['input', 'click']) body.removeEventListener(sign, take, true);
      taken();
    }
  };
  const { phone } = lent.shown;
  if (placed && goesOn) begin(), watch(placed);
  // What the page's own form took is ordered, where nothing more is to be asked.
  else if (phone && !config.consent) begin(), void place({ phone, country, office, at: null });
  // What can be promised is asked for now. Where that is not told, or not soon, nothing is promised, and nobody waits.
  else void Promise.race([offer(config).catch(() => null), pause(SOON_MS)]).then((told) => {
    offered = told;
    if (shown) ask(), begin();
  });
  return { focus, close: end };
}
