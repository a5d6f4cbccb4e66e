// An order as it goes on, by its states as they come, and for each way it can end the next step.

import css from './call.css';
import type { Placed, Status, Told } from './config.ts';
import type { Frame, Part } from './dialog.ts';
import { h } from './dom.ts';
import { lanes, segments } from './lanes.ts';
import { cancel, follow, score } from './orders.ts';
import { fill, type CallWords, type Said } from './words.ts';

/** A connection that comes back sooner is not missed. */
const OFFLINE_MS = 3_000;
const REDRAW_MS = 500;

/** Who shows calls, in a language. */
export const calls = (w: CallWords) => function show(frame: Frame, placed: Placed, now: Status | null): void {
  const { lent, body, draw, text, main, link, end, ask } = frame;
  const { config } = lent;
  frame.rest();
  frame.dress(css);
  // What was told before the page was loaded anew is known still.
  const told: Told = [...placed.told];
  let [isReached, heading, joined] = [true, '', null as number | null];
  let silence: ReturnType<typeof setTimeout> | undefined;
  const elapsed = (): number => (Date.now() - placed.at) / 1000;
  const picture = (): HTMLElement => lanes(segments(told, joined, elapsed()), w, config.promise);
  const finish = (): HTMLElement => main(w.closeWindow, end, true);

  function redraw(): void {
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
    draw(title, text(fill(words, { phone: placed.phone, name, elapsed: frame.seconds(Math.round(talk?.[1] ?? 0)) })), picture(),
      state === 'talking' ? finish() : link(w.cancel, () => void stop()),
      Boolean(slot) && state !== 'talking' && link(frame.w.later, () => void stop().then(() => ask('', [slot ?? ''], [frame.w.later, frame.w.busy[1]]))));
  }

  async function stop(): Promise<void> {
    const answer = await cancel(config, placed.id).catch(() => null);
    if (answer) hear(answer);
  }

  function hear(status: Status): void {
    now = status;
    isReached = true;
    if (told.at(-1)?.[0] !== status.state) told.push([status.state, elapsed()]);
    if (status.detail.manager && status.state !== 'talking') joined ??= elapsed();
    lent.keep({ order: { ...placed, state: status.state, told } });
    if (status.state === 'talking') lent.tell('connected', { id: placed.id });
    if (status.state === 'ended') over(status, told[1] ? picture() : null);
    else redraw();
  }

  function over({ detail, disposition, reason, next }: Status, drawn: Node | null): void {
    frame.rest();
    lent.tell('ended', { id: placed.id, disposition });
    const again = (name = frame.w.again): HTMLElement => main(name, () => frame.again(placed.phone));
    const slots = next.flatMap((one) => (one.kind === 'slot' && one.at ? [one.at] : []));
    const later = (): HTMLElement => link(frame.w.later, frame.another);
    const say = ([title, words]: Said, ...parts: Part[]): void => {
      draw(title, text(fill(words, { phone: placed.phone, talk: frame.seconds(detail.talk_s ?? 0) })), ...parts);
      frame.focus();
    };
    const rated = (n: number): void => {
      if (n) void score(config, placed.id, n).catch(() => undefined);
      say(w.states.thanks, finish());
    };
    const [f, cause] = [w.failures, detail.cause ?? ''];
    if (disposition === 'connected') {
      if (cause === 'media' && (detail.talk_s ?? 0) < 10) say(f.cut, drawn, again(w.againCut), link(w.no, end));
      else if (detail.talk_s) say(w.score, drawn, h('div', { class: 's five', role: 'group' }, ...[1, 2, 3, 4, 5].map((n) => h('button', { type: 'button', 'aria-label': n === 1 ? `1, ${w.scoreEnds[0]}` : n === 5 ? `5, ${w.scoreEnds[1]}` : n, onclick: () => rated(n) }, String(n)))), link(w.noScore, () => rated(0)));
      else say(w.states.thanks, drawn, finish());
    } else if (disposition === 'visitor_no_answer') {
      if (next[0]?.kind === 'fix_number') say(f.number, main(w.fix, () => ask()));
      else if (/-(486|600)$|0-17$/.test(cause)) say(f.busy, again(), later());
      else if (/-603$|0-21$/.test(cause)) say(f.declined, again(), link(w.no, end));
      else if (/-480$|0-20$/.test(cause)) say(f.unreachable, again(), later());
      else say(f.visitor, again(), link(w.fix, () => ask()), later());
    } else if (disposition === 'manager_no_answer') ask('', slots, f.manager);
    else if (reason === 'cancelled') say(w.states.cancelled, again());
    else if (reason === 'closed') ask('', slots, [frame.w.closed[0], frame.w.busy[1]]);
    else say(f.line, main(w.fine, end, true), later());
  }

  if (now?.state === 'ended') return hear(now);
  if (placed.due && (now?.state ?? placed.state) === 'scheduled') {
    draw(fill(w.booked[0], { when: frame.when(placed.due) }), text(fill(w.booked[1], { phone: placed.phone })), main(w.fine, end, true), link(w.undoBooked, () => void stop()));
  } else redraw();
  const clock = setInterval(redraw, REDRAW_MS);
  frame.until(() => clearInterval(clock), () => clearTimeout(silence), follow(config, placed.id, hear, (is) => {
    clearTimeout(silence);
    silence = is ? undefined : setTimeout(() => ((isReached = false), redraw()), OFFLINE_MS);
  }));
};
