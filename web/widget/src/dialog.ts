// The dialog: its box, the offer, and the order on its way. What becomes of that order is shown by `call.ts`, which comes when
// somebody writes his number.

import type { Lent, Offer, Placed, Status, Why } from './config.ts';
import { h } from './dom.ts';
import { Refused, offer, order, type Wish } from './orders.ts';
import css from './style.css';
import { fill, seconds as spoken, type Said, type Words } from './words.ts';

/** How long a press may go without an answer. */
const SOON_MS = 1_500;
const RETRY_MS = 3_000;
/** An order that is older is nothing to come back to. */
const OVER_MS = 30 * 60_000;

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const pause = (ms: number): Promise<null> => new Promise((go) => setTimeout(go, ms, null));

export type Part = Node | string | null | false;

/** What the dialog lends to whoever shows a call in it. */
export interface Frame {
  lent: Lent;
  w: Words;
  body: HTMLElement;
  /** A style sheet beside the dialog's own. */
  dress(css: string): void;
  /** Draws anew, below a title. */
  draw(title: string, ...parts: Part[]): void;
  text(...of: Part[]): HTMLElement | null;
  main(name: string, run: () => void, quiet?: boolean): HTMLElement;
  link(name: string, run: () => void): HTMLElement;
  /** Stops what goes on; and what is to be stopped then. */
  rest(): void;
  until(...stops: (() => void)[]): void;
  end(): void;
  focus(): void;
  seconds(n: number): string;
  /** «завтра в 9:30», by the visitor's own clock. */
  when(at: string): string;
  /** Asks for a number, with the one that was written. */
  ask(problem?: string, slots?: string[], head?: Said): void;
  /** Asks for another time. */
  another(): void;
  /** Orders again. */
  again(phone: string): void;
}

/** Its module. */
interface Calls {
  grouped(typed: string, grouping: string): string;
  show(frame: Frame, placed: Placed, now: Status | null): void;
}

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
  let [typed, country, grouping] = [lent.shown.phone ?? '', config.country, config.grouping];
  let office: string | null = null;
  let agreed = false;
  const layout = content.layout ?? 'center';
  /** Beside the page: it goes on being read. */
  const isBeside = !['center', 'sheet'].includes(layout);
  let offered: Offer | null = null;
  /** How what goes on is stopped: a stream, a clock. */
  let stops: (() => void)[] = [];

  // ── the box ──

  root.adoptedStyleSheets = root.adoptedStyleSheets.slice(0, 1);
  const dress = (css: string): void => {
    const style = new CSSStyleSheet();
    style.replaceSync(css);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];
  };
  dress(css);
  const body = h('div');
  const box = h('dialog', { class: `d ${layout}`, oncancel: (event: Event) => (event.preventDefault(), end()), onclick: outside }, body, h('button', { class: 'x', type: 'button', 'aria-label': w.close, onclick: end }));
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

  function draw(title: string, ...parts: Part[]): void {
    box.setAttribute('aria-label', title);
    body.replaceChildren(h('div', { class: 't', role: 'status', tabindex: -1 }, title), ...parts.filter((part): part is Node | string => Boolean(part)));
  }

  const text = (...of: Part[]): HTMLElement | null => (of[0] ? h('p', { class: 'p' }, ...of) : null);
  const main = (name: string, run: () => void, quiet = false): HTMLElement => h('button', { class: quiet ? 'b so' : 'b', type: 'button', onclick: run }, name);
  const link = (name: string, run: () => void): HTMLElement => h('button', { class: 'l', type: 'button', onclick: run }, name);

  // ── the offer ──

  const promised = (): number | null => offered?.promise_seconds ?? null;

  function ask(problem = '', slots = promised() ? [] : (offered?.slots ?? []), head?: Said): void {
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
      // Who writes at its end sees it as his country writes it.
      calls().then(({ grouped }) => {
        if (phone.selectionStart === phone.value.length) typed = phone.value = grouped(phone.value, grouping);
      }, () => undefined);
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
    const groupings: Record<string, string> = {};
    const load = (): void => {
      list ??= import(/* @vite-ignore */ config.base + config.files.countries).then(({ default: known }: { default: string }) => {
        const options = known.split(',').map((one) => {
          const [code = '', groups = ''] = one.slice(2).split(':');
          const [letters, name] = [one.slice(0, 2), nameOf(one.slice(0, 2))];
          groupings[letters] = groups;
          return { letters, code: `+${code}`, name };
        });
        options.sort((a, b) => a.name.localeCompare(b.name));
        select.replaceChildren(...options.map(({ letters, code, name }) => h('option', { value: letters, selected: letters === country }, `${name} ${code}`)));
      }, () => (list = null));
    };
    const select = h('select', { 'aria-label': w.country, onpointerdown: load, onfocus: load, onchange: () => {
      country = select.value;
      grouping = groupings[country] ?? '';
      label.textContent = `${select.selectedOptions[0]?.text.split(' ').pop()} ▾`;
    } }, h('option', { value: country }, `${nameOf(country)} ${config.code}`));
    return [select, label];
  }

  // ── the order ──

  async function place(wish: Wish, id: string = lent.id()): Promise<void> {
    rest();
    draw(w.sending);
    try {
      // Who can show it is here before there is anything to show.
      const { show } = await calls();
      const answer = await order(lent, id, wish);
      const placed: Placed = { id, phone: wish.phone, at: Date.now(), state: answer.state, told: [], ...(wish.at && { due: wish.at }) };
      lent.keep({ order: placed });
      lent.tell('ordered', { id });
      show(frame, placed, answer);
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
    draw(w.unsent[0], text(w.unsent[1]), main(w.again, again));
    const timer = setTimeout(again, RETRY_MS);
    addEventListener('online', again);
    stops.push(() => clearTimeout(timer), () => removeEventListener('online', again));
  }

  let coming: Promise<Calls> | null = null;
  function calls(): Promise<Calls> {
    coming ??= (import(/* @vite-ignore */ config.base + w.call) as Promise<Calls>).catch(() => {
      coming = null;
      throw new Refused('unsent');
    });
    return coming;
  }

  const again = (phone: string): void => {
    typed = phone;
    void place({ phone, country, office, at: null });
  };

  /** What is free now is asked for. */
  async function another(): Promise<void> {
    offered = await offer(config).catch(() => offered);
    ask('', offered?.slots ?? [], [w.later, w.busy[1]]);
  }

  function when(at: string): string {
    const [time, now] = [new Date(at), new Date()];
    const minutes = Math.round((+time - +now) / 60_000);
    if (minutes > 0 && minutes < 30) return relative.format(minutes, 'minute');
    const days = Math.round((+new Date(time.toDateString()) - +new Date(now.toDateString())) / 86_400_000);
    const day = days < 2 ? relative.format(days, 'day') : time.toLocaleDateString(config.language, { weekday: 'short', day: 'numeric', month: 'short' });
    return fill(w.onDay, { day, time: time.toLocaleTimeString(config.language, { hour: 'numeric', minute: '2-digit' }) });
  }

  const until = (...more: (() => void)[]): void => void stops.push(...more);
  const frame: Frame = { lent, w, body, dress, draw, text, main, link, rest, until, end, focus, seconds, when, ask, another: () => void another(), again };

  /** Shows an order that was made before; as long as whoever shows it does not come, it is asked for again. */
  function resume(placed: Placed): void {
    typed = placed.phone;
    draw(w.sending);
    calls().then(({ show }) => show(frame, placed, null), () => {
      const timer = setTimeout(resume, RETRY_MS, placed);
      until(() => clearTimeout(timer));
    });
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
  if (placed && goesOn) begin(), resume(placed);
  // What the page's own form took is ordered, where nothing more is to be asked.
  else if (phone && !config.consent) begin(), void place({ phone, country, office, at: null });
  // What can be promised is asked for now. Where that is not told, or not soon, nothing is promised, and nobody waits.
  else void Promise.race([offer(config).catch(() => null), pause(SOON_MS)]).then((told) => {
    offered = told;
    if (shown) ask(), begin();
  });
  return { focus, close: end };
}
