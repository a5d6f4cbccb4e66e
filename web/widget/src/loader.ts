// In every page of a site: the button, who is there, and the one object that a page may talk to, `CallBack`. It leaves the
// page as it found it: a host element with a closed shadow. Who watches when to offer a call, and the dialog, come later.

import css from './button.css';
import type { Config, Dialog, Lent, Shown, Visit, Watcher, Watching, Why } from './config.ts';
import { handset } from './handset.ts';

// The service puts the site's settings here.
const config = '$CONFIG$' as unknown as Config;

/** A visit ends after so long without a sign of life. */
const IDLE_MS = 30 * 60_000;

interface Api {
  open(): void;
  close(): void;
  on(event: string, listener: (detail: unknown) => void): void;
  set(name: string, value: string): void;
  event(name: string): void;
  order(phone: string): void;
}

/** What counters of the page's own listen to, where they are. */
interface Counters {
  ym?(counter: number, what: 'reachGoal', goal: string): void;
  gtag?(what: 'event', goal: string): void;
  dataLayer?: { event: string }[];
}

type Told = Parameters<Lent['tell']>[1];

const scope = window as unknown as { CallBack?: Api };

/** Whether a host is the site's. */
const isOwn = (host: string): boolean => {
  const bare = (host: string): string => host.replace(/^www\./, '');
  return bare(host) === bare(config.host) || (config.subdomains && host.endsWith(`.${bare(config.host)}`));
};

const api = `${config.base}/w/v1/${config.key}`;
/** Behind the page's address: its owner is to see the draft. */
const trial = !config.trial && location.hash.split('callback-test=')[1];

// Elsewhere the script is silent.
if (!scope.CallBack && (isOwn(location.host) || location.origin === config.base)) trial ? import(`${api}/trial/${trial}`).catch(begin) : begin();

function begin(): void {
  const name = `callback:${config.key}`;
  const { now } = Date;
  let memory: Visit | null = null;

  // ── the visit ──

  /** As it is now: what another tab wrote counts. Where nothing can be stored the page remembers for itself. */
  function visit(): Visit {
    let known = memory;
    try {
      known = (JSON.parse(localStorage.getItem(name) ?? 'null') as Visit | null) ?? memory;
    } catch {}
    return known && now() - known.seen < IDLE_MS ? known : anew(known);
  }

  /** One that begins here; the last order and the peace after it go on. */
  function anew(before: Visit | null): Visit {
    const order = before?.order;
    return { id: uuid(), started: now(), seen: now(), landing: location.href, referrer: document.referrer, returns: !!before, pages: 0, active: 0, score: 0, shown: false, variables: {}, ...(order && { order }) };
  }

  function keep(change: Partial<Visit>): void {
    memory = { ...visit(), seen: now(), ...change };
    try {
      localStorage.setItem(name, JSON.stringify(memory));
    } catch {}
  }

  /** Where no page may have an id of its own (http) the browser still names what it is given. */
  function uuid(): string {
    return crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36);
  }

  // ── the dialog ──

  const listeners: [string, (detail: unknown) => void][] = [];
  /** Tells the page what became of the dialog; how often each thing happened is counted by the service. */
  function tell(event: string, detail: NonNullable<Told> = {}): void {
    listeners.forEach(([of, listener]) => of === event && listener(detail));
    const goal = `callback_${event}`;
    // Of shown, opened, ordered and connected.
    if (config.goals && /^(sh|op|or|co)/.test(event)) {
      const [metrica, analytics, layer] = config.goals;
      const page = window as unknown as Counters;
      if (metrica) page.ym?.(metrica, 'reachGoal', goal);
      if (analytics) page.gtag?.('event', goal);
      if (layer) (page.dataLayer ??= []).push({ event: goal });
    }
    const said = JSON.stringify({ event, rule: detail.rule, page: location.href });
    // Of all but orders and what becomes of them: those are known.
    if (/^(sh|op|cl|bl|tw)/.test(event)) navigator.sendBeacon(`${api}/events`, said);
  }

  // A policy of the page's that forbids something of the service's own is told of by what it does not forbid: of what it
  // forbids here, `connect-src` alone stands before `default-src`.
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective: rule, blockedURI }) => {
    if (blockedURI.startsWith(config.base)) void (rule < 'd' ? import(`${api}/blocked`) : tell('blocked', { rule }));
  });

  const host = document.createElement('div');
  const root = host.attachShadow({ mode: 'closed' });
  // A page that swallows keys does not get those that are typed here.
  for (const kind of ['keydown', 'keyup', 'keypress']) host.addEventListener(kind, (event) => event.stopPropagation());
  let dialog: Promise<Dialog> | null = null;

  function open(why: Why, shown: Shown = {}): void {
    dialog ??= import(config.base + config.files.dialog) as Promise<Dialog>;
    // A service that is away is not there: the next press asks again.
    const opened_on = location.href;
    Promise.all([dialog, watched]).then(([it, watching]) => it.open({ config, root, id: uuid, visit, keep, tell, opened_on, shown: { ...shown, content: { ...config.content, ...shown.content, ...watching?.content } } }, why), () => (dialog = null));
  }

  /** By itself, once in a visit: of two tabs one. */
  function show(by: Shown): void {
    const once = (): void => {
      if (visit().shown) return;
      keep({ shown: true });
      tell('shown', { rule: by.rule });
      open('rule', by);
    };
    if (navigator.locks) void navigator.locks.request(name, once);
    else once();
  }

  // ── the page ──

  const settled = new Promise<void>((go) => {
    const whenIdle = (): unknown => (window.requestIdleCallback ?? setTimeout)(() => go());
    if (document.readyState === 'complete') whenIdle();
    else addEventListener('load', whenIdle, { once: true });
  });
  const watching = settled.then(() => {
    const { color, on } = config.content;
    if (color && on) {
      host.style.setProperty('--a', color);
      host.style.setProperty('--on', on);
    }
    const button = document.createElement('button');
    button.className = `f ${config.place}`;
    const style = new CSSStyleSheet();
    style.replaceSync(css);
    root.adoptedStyleSheets = [style];
    button.append(handset(), config.label);
    button.addEventListener('click', () => open('button'));
    if (config.place !== 'none') root.append(button);
    document.body.append(host);
    // A click that was paid for begins a visit of its own.
    if (/[?&](utm_source|gclid|yclid|fbclid)=/.test(location.search) && visit().landing !== location.href) keep(anew(visit()));
    const { order } = visit();
    // A call that goes on is found again.
    if (order && order.state !== 'ended' && now() - order.at < IDLE_MS) open('resume');
    return import(config.base + config.files.watch) as Promise<Watcher>;
  });
  const watched: Promise<Watching | undefined> = watching.then((it) => it.watch({ config, visit, keep, show, tell, isOwn })).catch(() => undefined);

  scope.CallBack = {
    open: () => open('api'),
    close: () => void dialog?.then((it) => it.close()),
    on: (event, listener) => void listeners.push([event, listener]),
    set: (variable, value) => keep({ variables: { ...visit().variables, [variable]: String(value) } }),
    event: (event) => void watched.then((it) => it?.check({ event })),
    order: (phone) => open('api', { phone }),
  };
}
