// In every page of a site: the button, who is there, and the one object that a page may talk to, `CallBack`. It leaves the
// page as it found it: a host element with a closed shadow. Who watches when to offer a call, and the dialog, come later.

import type { Config, Dialog, Lent, Shown, Visit, Watcher, Why } from './config.ts';

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
}

type Told = Parameters<Lent['tell']>[1];

const scope = window as unknown as { CallBack?: Api };

/** Whether a host is the site's. */
const isOwn = (host: string): boolean => {
  const bare = (host: string): string => host.replace(/^www\./, '');
  return bare(host) === bare(config.host) || (config.subdomains && host.endsWith(`.${bare(config.host)}`));
};

// Elsewhere the script is silent.
if (!scope.CallBack && (isOwn(location.host) || location.origin === config.base)) begin();

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
    const said = JSON.stringify({ event, rule: detail.rule, page: location.href });
    if (/^(shown|opened|closed)$/.test(event)) navigator.sendBeacon(`${config.base}/w/v1/${config.key}/events`, said);
  }

  const host = document.createElement('div');
  const root = host.attachShadow({ mode: 'closed' });
  // A page that swallows keys does not get those that are typed here.
  for (const kind of ['keydown', 'keyup', 'keypress']) host.addEventListener(kind, (event) => event.stopPropagation());
  let dialog: Promise<Dialog> | null = null;

  function open(why: Why, shown: Shown = {}): void {
    dialog ??= import(config.base + config.files.dialog) as Promise<Dialog>;
    // A service that is away is not there: the next press asks again.
    dialog.then((it) => it.open({ config, root, id: uuid, visit, keep, tell, shown, opened_on: location.href }, why), () => (dialog = null));
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
    const button = document.createElement('button');
    button.className = 'f';
    const style = new CSSStyleSheet();
    style.replaceSync(BUTTON);
    root.adoptedStyleSheets = [style];
    button.append(handset(), config.label);
    button.addEventListener('click', () => open('button'));
    root.append(button);
    document.body.append(host);
    // A click that was paid for begins a visit of its own.
    if (/[?&](utm_source|gclid|yclid|fbclid)=/.test(location.search) && visit().landing !== location.href) keep(anew(visit()));
    const { order } = visit();
    // A call that goes on is found again.
    if (order && order.state !== 'ended' && now() - order.at < IDLE_MS) open('resume');
    return import(config.base + config.files.watch) as Promise<Watcher>;
  });
  const check = watching.then((it) => it.watch({ config, visit, keep, show, isOwn })).catch(() => undefined);

  scope.CallBack = {
    open: () => open('api'),
    close: () => void dialog?.then((it) => it.close()),
    on: (event, listener) => void listeners.push([event, listener]),
    set: (variable, value) => keep({ variables: { ...visit().variables, [variable]: String(value) } }),
    event: (event) => void check.then((say) => say?.({ event })),
  };
}

function handset(): SVGElement {
  const made = (name: string, of: Record<string, string>): SVGElement => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in of) node.setAttribute(key, of[key] ?? '');
    return node;
  };
  const svg = made('svg', { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'aria-hidden': 'true' });
  svg.append(made('path', { d: 'M14 17a1 1 0 0 0 1-.7l.4-.5a2 2 0 0 1 1.6-.8h3a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2A18 18 0 0 1 2 4a2 2 0 0 1 2-2h3a2 2 0 0 1 2 2v3a2 2 0 0 1-.8 1.6l-.5.4a1 1 0 0 0-.3 1.2A14 14 0 0 0 14 17' }));
  return svg;
}

const BUTTON = `:host{all:initial;--a:#0B6B55;--on:#fff;--fo:#1D5BD6}
.f{all:unset;position:fixed;bottom:20px;inset-inline-end:20px;z-index:2147483000;height:56px;border-radius:99px;background:var(--a);color:var(--on);display:flex;gap:10px;align-items:center;padding:0 22px 0 18px;font:650 16px/1 system-ui,sans-serif;cursor:pointer;box-shadow:0 4px 16px #0003}
.f svg{width:22px;height:22px}.f:focus-visible{outline:3px solid var(--fo);outline-offset:2px}
@media(forced-colors:active){.f{border:2px solid ButtonText}}`;
