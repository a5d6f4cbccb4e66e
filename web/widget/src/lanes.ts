// A call as two lanes: dots wait, bars ring, a line is on the telephone, a band talks. 72 % of the width is the promise.

import type { Status, Told } from './config.ts';
import { h, s } from './dom.ts';

type Segment = [kind: 'wait' | 'ring' | 'up' | 'talk', from: number, to: number];

const PROMISED = 72;

/** The lanes of visitor and manager until now, in seconds. A manager who is on the line waits for the visitor. */
export function segments(told: Told, withManager: number | null, now: number): { visitor: Segment[]; manager: Segment[] } {
  const at = (state: Status['state']): number | null => told.find(([known]) => known === state)?.[1] ?? null;
  const [called, rang, waits, talks] = [at('calling_manager'), at('calling_visitor'), at('waiting'), at('talking')];
  const ended = at('ended') ?? now;
  const visitor: Segment[] = [];
  const manager: Segment[] = [];
  if (rang !== null) visitor.push(['ring', rang, waits ?? talks ?? ended]);
  if (waits !== null) visitor.push(['up', waits, talks ?? ended]);
  const began = called ?? rang;
  const joined = withManager ?? talks;
  if (began !== null) manager.push(['ring', began, joined ?? ended]);
  if (withManager !== null) manager.push(['up', withManager, talks ?? ended]);
  if (talks !== null) for (const lane of [visitor, manager]) lane.push(['talk', talks, ended]);
  return { visitor, manager };
}

/** Draws them; what is yet to come waits. */
export function lanes(drawn: { visitor: Segment[]; manager: Segment[] }, names: { you: string; manager: string; second: string }, promise: number): HTMLElement {
  const x = (seconds: number): number => Math.min((seconds / promise) * PROMISED, 100);
  const line = (lane: Segment[], colour: string): SVGElement => {
    const last = lane.at(-1)?.[2] ?? 0;
    const parts: Segment[] = [['wait', 0, lane[0]?.[1] ?? 0], ...lane];
    const drawing = parts.map(([kind, from, to]) => {
      const [x1, x2] = [`${x(from)}%`, `${x(to)}%`];
      if (kind === 'talk') return s('line', { x1, x2, y1: 11, y2: 11, stroke: colour, 'stroke-width': 17 });
      if (kind === 'ring') return s('line', { class: 'go', x1, x2, y1: 11, y2: 11, stroke: colour, 'stroke-width': 12, 'stroke-dasharray': '2 3' });
      return s('line', { x1, x2, y1: 11, y2: 11, stroke: kind === 'up' ? colour : 'var(--ln)', 'stroke-width': kind === 'up' ? 4 : 1.5, ...(kind === 'wait' && { 'stroke-dasharray': '1.5 4' }) });
    });
    const rest = s('line', { x1: `${x(last)}%`, x2: '100%', y1: 11, y2: 11, stroke: 'var(--ln)', 'stroke-width': 1.5, 'stroke-dasharray': '1.5 4' });
    const flag = s('line', { x1: `${PROMISED}%`, x2: `${PROMISED}%`, y1: -5, y2: 22, stroke: 'var(--fg)', 'stroke-dasharray': '2 2.5' });
    return s('svg', {}, ...drawing, lane.at(-1)?.[0] !== 'talk' && rest, flag);
  };
  return h('div', { class: 'n', 'aria-hidden': 'true' }, h('span', { class: 'g' }, h('i', {}, `${promise} ${names.second}`)), h('b', {}, names.you), line(drawn.visitor, 'var(--v)'), h('b', {}, names.manager), line(drawn.manager, 'var(--a)'));
}
