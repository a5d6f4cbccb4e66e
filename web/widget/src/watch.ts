// What a visit does, counted in the browser and told to nobody: when one of the site's rules holds of it, the dialog comes.

import { came } from './came.ts';
import type { Offer, Watched, Watching } from './config.ts';
import { decide, isLike, type Facts } from './rules.ts';

/** Nobody leaves a page that he has just come to. */
const SETTLED_MS = 3_000;
/** What is done within so long of the last sign of life is one stretch of attention. */
const ATTENTIVE_MS = 5_000;
const DAY_MS = 86_400_000;
const [CLICK, SCREEN, PAGE] = [10, 5, 15];

const { now } = Date;

export function watch({ config, visit, keep, show, tell, isOwn }: Watched): Watching {
  const opened = now();
  const { landing, referrer } = visit();
  const [source, keyword] = came(landing, referrer, isOwn);
  const agent = navigator.userAgent;
  const device = /iPad|Tablet|Kindle|Android(?!.*Mobile)/.test(agent) ? 'tablet' : /Mobi/.test(agent) ? 'phone' : 'computer';
  const rules = config.scenarios.map(([, rules]) => rules);
  let [page, depth, screens, last, left] = ['', 0, 0, 0, 0];

  /** Offers a call, where a rule holds. */
  function check(moment: Facts): void {
    const { shown, order, returns, pages, active, score, seen, country, variables } = visit();
    const days = order ? (now() - order.at) / DAY_MS : Infinity;
    // Whoever writes goes on writing: the moment comes when he has done.
    const isTyping = document.activeElement?.matches('input,textarea,select,iframe,[contenteditable]');
    if (shown || isTyping || days < config.quiet) return;
    const found = decide(rules, {
      source,
      keyword,
      device,
      page: location.pathname,
      visitor: returns ? 'returning' : 'new',
      hour: new Date().getHours(),
      country: country ?? undefined,
      order_days: days,
      active: active / 1000,
      pages,
      depth,
      score: score + PAGE * (pages - 1),
      idle: (now() - seen) / 1000,
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`$${name}`, value])),
      ...moment,
    });
    const scenario = found && config.scenarios[found[0]];
    if (scenario) show({ rule: `${scenario[0]}/${found[1] + 1}`, content: scenario[2] });
  }

  /** Somebody is there. */
  function alive(points = 0): void {
    const at = now();
    const since = at - last;
    if (since < 1_000 && !points) return;
    last = at;
    const { active, pages, score } = visit();
    const isNew = page !== location.pathname;
    if (isNew) [page, depth, screens] = [location.pathname, 0, 0];
    keep({ active: active + (since < ATTENTIVE_MS ? since : 0), score: score + points, pages: pages + Number(isNew) });
    check({});
  }

  function scroll(): void {
    const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
    depth = Math.max(depth, Math.round(((scrollTop + clientHeight) / scrollHeight) * 100));
    const seen = Math.floor(scrollTop / clientHeight);
    alive(SCREEN * Math.max(seen - screens, 0));
    screens = Math.max(seen, screens);
  }

  /** The pointer leaves upwards, fast, to the bar of addresses: not from a list that hangs open. */
  let high = { y: 0, at: 0 };
  function leaves({ clientY, relatedTarget, target }: MouseEvent): void {
    const isFast = high.y - clientY > 20 && now() - high.at < 400;
    const onto = target instanceof Element && target.matches('select,option,iframe');
    if (!relatedTarget && clientY <= 0 && isFast && !onto && now() - opened > SETTLED_MS) check({ exit: 1 });
  }

  const quietly = { passive: true, capture: true };
  const listen = (sign: string, then: (event: never) => void): void => addEventListener(sign, then as EventListener, quietly);
  for (const sign of ['pointermove', 'keydown']) listen(sign, () => alive());
  listen('click', () => alive(CLICK));
  listen('scroll', scroll);
  listen('mousemove', ({ clientY }: MouseEvent) => {
    if (clientY > high.y || now() - high.at > 300) high = { y: clientY, at: now() };
  });
  listen('mouseout', leaves);
  listen('visibilitychange', () => {
    if (document.hidden) left = now();
    else if (left) check({ away: (now() - left) / 1000 });
  });
  // What comes with time comes to who looks.
  setInterval(() => document.hidden || check({}), 1_000);
  alive();
  if (document.querySelectorAll(`[src$="/${config.key}.js"]`)[1]) tell('twice');
  // His address is the service's to see: it is asked once in a visit, and where a rule asks alone.
  if (visit().country === undefined && rules.flat().some((rule) => 'country' in rule))
    void fetch(`${config.base}/w/v1/${config.key}/offer`).then((answer) => answer.json()).then(({ country }: Offer) => keep({ country }), () => undefined);
  return { check, content: config.groups.find(([masks]) => keyword && masks.some((mask) => isLike(mask, keyword.toLowerCase())))?.[1] ?? {} };
}
