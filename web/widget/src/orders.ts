// The order API, as a page of another origin asks it: bodies go as plain text, so that browsers need no preflight.

import type { Config, Lent, Offer, Status } from './config.ts';

/** Why an order was refused: the end of its problem's type; `unsent` where nothing was reached. */
export class Refused extends Error {
  constructor(readonly kind: string) {
    super(kind);
  }
}

const at = ({ base, key }: Config, path: string): string => `${base}/w/v1/${key}/${path}`;

async function ask<T>(config: Config, path: string, body?: unknown): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(at(config, path), body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), keepalive: true });
  } catch {
    throw new Refused('unsent');
  }
  const told: unknown = await answer.json().catch(() => ({}));
  if (answer.ok) return told as T;
  throw new Refused(String((told as { type?: string }).type ?? '').split('/').pop() ?? '');
}

export interface Answer extends Status {
  promise_seconds: number | null;
}

export const offer = (config: Config): Promise<Offer> => ask(config, 'offer');

export interface Wish {
  phone: string;
  country: string;
  office: string | null;
  at: string | null;
}

/** Orders; the same id again is the same order, however often it is sent. */
export function order({ config, visit, shown, opened_on }: Lent, id: string, wish: Wish): Promise<Answer> {
  const { landing, referrer, started, pages, active, variables } = visit();
  const told = { page: location.href, opened_on, landing, referrer, started_at: new Date(started).toISOString(), pages, active_s: Math.round(active / 1000), language: config.language, variables, rule: shown.rule, scenario: shown.rule?.split('/')[0] };
  return ask(config, 'orders', { order_id: id, ...wish, visit: told, consent: config.consent ? { given: true, text_version: config.consent.version } : {} });
}

export const score = (config: Config, id: string, n: number): Promise<unknown> => ask(config, `orders/${id}/score`, { score: n });

export const cancel = (config: Config, id: string): Promise<Answer> => ask(config, `orders/${id}/cancel`, {});

/**
 * Follows an order until its end. The browser connects again by itself; where it gives up the order is asked for.
 * Gives back how to stop listening.
 */
export function follow(config: Config, id: string, hear: (status: Status) => void, reach: (isReached: boolean) => void): () => void {
  let isOver = false;
  let stream: EventSource;
  const begin = (): void => {
    if (isOver) return;
    stream = new EventSource(at(config, `orders/${id}/events`));
    stream.addEventListener('open', () => reach(true));
    stream.addEventListener('state', (event) => {
      const status = JSON.parse((event as MessageEvent<string>).data) as Status;
      if (status.state === 'ended') stop();
      hear(status);
    });
    stream.addEventListener('error', () => {
      reach(false);
      if (stream.readyState === EventSource.CLOSED) setTimeout(begin, 2_000);
    });
  };
  const stop = (): void => {
    isOver = true;
    stream.close();
  };
  begin();
  return stop;
}
