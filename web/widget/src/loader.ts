// In every page of a site: the button, who is there and for how long, and the moment at which the dialog comes. It leaves
// the page as it found it: a host element with a closed shadow, and one global object, `CallBack`.

import type { Config, Dialog, Lent, Visit, Why } from './config.ts';

// The service puts the site's settings here.
const config = '$CONFIG$' as unknown as Config;

/** A visit ends after so long without a sign of life. */
const IDLE_MS = 30 * 60_000;
/** Nobody leaves a page that he has just come to. */
const SETTLED_MS = 3_000;
/** After an order nothing is shown by itself for so long. */
const QUIET_MS = 7 * 86_400_000;
/** What is done within so long of the last sign of life is one stretch of attention. */
const ATTENTIVE_MS = 5_000;

interface Api {
  open(): void;
  close(): void;
  on(event: string, listener: (detail: unknown) => void): void;
  set(name: string, value: string): void;
}

const scope = window as unknown as { CallBack?: Api };

/** Whether the page is the site's: elsewhere the script is silent. */
const isAtHome = (): boolean => {
  const bare = (host: string): string => host.replace(/^www\./, '');
  const [host, own] = [bare(location.host), bare(config.host)];
  return host === own || location.origin === config.base || (config.subdomains && host.endsWith(`.${own}`));
};

if (!scope.CallBack && isAtHome()) begin();

function begin(): void {
  const name = `callback:${config.key}`;
  let memory: Visit | null = null;
  const now = Date.now;
  const came = now();

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
    return { id: uuid(), started: now(), seen: now(), landing: location.href, referrer: document.referrer, pages: 0, active: 0, shown: false, variables: {}, ...(order && { order }) };
  }

  function keep(change: Partial<Visit>): void {
    memory = { ...visit(), seen: now(), ...change };
    try {
      localStorage.setItem(name, JSON.stringify(memory));
    } catch {}
  }

  let page = '';
  let last = 0;

  /** Somebody is there. */
  function alive(): void {
    const at = now();
    const since = at - last;
    if (since < 1_000) return;
    last = at;
    const change: Partial<Visit> = since < ATTENTIVE_MS ? { active: visit().active + since } : {};
    if (page !== location.pathname) {
      page = location.pathname;
      change.pages = visit().pages + 1;
    }
    keep(change);
  }

  // ── the dialog ──

  const listeners: [string, (detail: unknown) => void][] = [];
  const tell: Lent['tell'] = (event, detail = {}) => listeners.forEach(([of, listener]) => of === event && listener(detail));
  const host = document.createElement('div');
  const root = host.attachShadow({ mode: 'closed' });
  // A page that swallows keys does not get those that are typed here.
  for (const kind of ['keydown', 'keyup', 'keypress']) host.addEventListener(kind, (event) => event.stopPropagation());
  let dialog: Promise<Dialog> | null = null;

  function open(why: Why): void {
    dialog ??= import(config.base + config.files.dialog) as Promise<Dialog>;
    // A service that is away is not there: the next press asks again.
    dialog.then((it) => it.open({ config, root, id: uuid, visit, keep, tell }, why), () => (dialog = null));
  }

  /** By itself, once in a visit: of two tabs one. */
  function show(why: Why): void {
    const once = (): void => {
      const { shown, order } = visit();
      if (shown || (order && now() - order.at < QUIET_MS)) return;
      keep({ shown: true });
      open(why);
    };
    if (navigator.locks) void navigator.locks.request(name, once);
    else once();
  }

  function uuid(): string {
    if (crypto.randomUUID) return crypto.randomUUID();
    return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) => (Number(digit) ^ ((crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) & (15 >> (Number(digit) / 4)))).toString(16));
  }

  scope.CallBack = {
    open: () => open('api'),
    close: () => void dialog?.then((it) => it.close()),
    on: (event, listener) => void listeners.push([event, listener]),
    set: (variable, value) => keep({ variables: { ...visit().variables, [variable]: String(value) } }),
  };

  // ── the page ──

  /** The pointer leaves upwards, fast, to the bar of addresses: not from a list that hangs open, nor while one types. */
  let high = { y: 0, at: 0 };
  function leaves(event: MouseEvent): void {
    const typing = document.activeElement?.matches('input,textarea,select,iframe,[contenteditable]');
    const isFast = high.y - event.clientY > 20 && now() - high.at < 400;
    const onto = event.target instanceof Element && event.target.matches('select,option,iframe');
    if (!event.relatedTarget && event.clientY <= 0 && isFast && !typing && !onto && now() - came > SETTLED_MS) show('exit');
  }

  function settle(): void {
    const button = document.createElement('button');
    const style = new CSSStyleSheet();
    style.replaceSync(BUTTON);
    root.adoptedStyleSheets = [style];
    button.className = 'f';
    const words = config.language === 'ru' ? 'Перезвоните мне' : 'Call me back';
    button.append(handset(), words);
    button.addEventListener('click', () => open('button'));
    root.append(button);
    document.body.append(host);
    for (const sign of ['pointermove', 'keydown', 'scroll']) addEventListener(sign, alive, { passive: true, capture: true });
    document.addEventListener('mousemove', ({ clientY }) => {
      if (clientY > high.y || now() - high.at > 300) high = { y: clientY, at: now() };
    }, { passive: true });
    document.addEventListener('mouseout', leaves);
    // A click that was paid for begins a visit of its own.
    if (/[?&](utm_source|gclid|yclid|fbclid)=/.test(location.search) && visit().landing !== location.href) keep(anew(visit()));
    alive();
    const { order } = visit();
    // A call that goes on is found again.
    if (order && order.state !== 'ended' && now() - order.at < IDLE_MS) open('resume');
  }

  const idle = window.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 200));
  const whenLoaded = (): void => void idle(settle);
  if (document.readyState === 'complete') whenLoaded();
  else addEventListener('load', whenLoaded, { once: true });
}

function handset(): SVGElement {
  const made = (name: string, of: Record<string, string>): SVGElement => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(of)) node.setAttribute(key, value);
    return node;
  };
  const svg = made('svg', { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'aria-hidden': 'true' });
  svg.append(made('path', { d: 'M13.8 16.6a1 1 0 0 0 1.2-.3l.4-.5a2 2 0 0 1 1.6-.8h3a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2A18 18 0 0 1 2 4a2 2 0 0 1 2-2h3a2 2 0 0 1 2 2v3a2 2 0 0 1-.8 1.6l-.5.4a1 1 0 0 0-.3 1.2 14 14 0 0 0 6.4 6.4' }));
  return svg;
}

const BUTTON = `:host{all:initial;--a:#0B6B55;--on:#fff;--fo:#1D5BD6}
.f{all:unset;position:fixed;bottom:20px;inset-inline-end:20px;z-index:2147483000;height:56px;border-radius:99px;background:var(--a);color:var(--on);display:flex;gap:10px;align-items:center;padding:0 22px 0 18px;font:650 16px/1 system-ui,sans-serif;cursor:pointer;box-shadow:0 4px 16px #0003}
.f svg{width:22px;height:22px}.f:focus-visible{outline:3px solid var(--fo);outline-offset:2px}
@media(forced-colors:active){.f{border:2px solid ButtonText}}`;
