// The dialog in the cabinet's frame, as a draft would have it: the same file that pages load. The frame's own `fetch` answers
// in the service's place, so that nobody is called.

import css from './button.css';
import type { Config, Content, Dialog, Offer, Visit } from './config.ts';
import { handset } from './handset.ts';

interface Told {
  content: Content;
  isClosed: boolean;
  language: 'ru' | 'en';
  label: string;
  place: Config['place'];
  promise: number;
  /** What is to be ticked. */
  consent: string | null;
  privacy: string | null;
  offices: string[];
}

const { dialog, ru, en, countries } = (document.querySelector('script') as HTMLElement).dataset as Record<string, string>;
let offer: Offer;

window.fetch = async (asked) => (String(asked).endsWith('/offer') ? Response.json(offer) : Response.json({ type: '/overloaded' }, { status: 503 }));

// Whoever writes in the cabinet goes on writing: nothing here takes the focus.
HTMLElement.prototype.focus = () => undefined;
HTMLDialogElement.prototype.show = HTMLDialogElement.prototype.showModal = function show() {
  this.open = true;
};

let now: Dialog | null = null;
let host: HTMLElement | null = null;

async function draw(told: Told): Promise<void> {
  const later = new Date(Date.now() + 18 * 3_600_000).toISOString();
  offer = { country: null, promise_seconds: told.isClosed ? null : told.promise, slots: told.isClosed ? [later, new Date(Date.parse(later) + 900_000).toISOString()] : [], opens_at: told.isClosed ? later : null, offices: told.offices.map((name) => ({ name, open: !told.isClosed, opens_at: told.isClosed ? later : null })) };
  now?.close();
  host?.remove();
  host = document.createElement('div');
  const { color, on } = told.content;
  if (color && on) for (const [name, value] of [['--a', color], ['--on', on]] as const) host.style.setProperty(name, value);
  const root = host.attachShadow({ mode: 'open' });
  const style = new CSSStyleSheet();
  style.replaceSync(css);
  root.adoptedStyleSheets = [style];
  const button = document.createElement('button');
  button.className = `f ${told.place}`;
  button.append(handset(), told.label);
  if (told.place !== 'none') root.append(button);
  document.body.append(host);
  document.documentElement.lang = told.language;
  const config: Config = {
    base: location.origin, key: 'preview', host: location.host, subdomains: false, language: told.language, label: told.label, place: told.place, country: 'RU', code: '+7', grouping: '3 3-2-2', promise: told.promise, quiet: 0, scenarios: [], content: told.content, groups: [],
    ...(told.consent !== null && { consent: { text: told.consent, version: '' } }), ...(told.privacy && { privacy: told.privacy }),
    files: { watch: '', dialog: dialog ?? '', words: (told.language === 'ru' ? ru : en) ?? '', countries: countries ?? '' },
  };
  const visit: Visit = { id: '', started: 0, seen: 0, landing: '', referrer: '', returns: false, pages: 1, active: 0, score: 0, shown: true, variables: {} };
  now = (await import(/* @vite-ignore */ location.origin + config.files.dialog)) as Dialog;
  const open = (): void => void now?.open({ config, root, id: () => crypto.randomUUID(), visit: () => visit, keep: () => undefined, tell: () => undefined, opened_on: '', shown: { content: told.content } }, 'rule');
  button.addEventListener('click', open);
  open();
}

// What is typed comes letter by letter: the last of them is drawn.
let waits: ReturnType<typeof setTimeout> | undefined;
addEventListener('message', ({ origin, data }: MessageEvent<Told>) => {
  if (origin !== location.origin) return;
  clearTimeout(waits);
  waits = setTimeout(() => void draw(data), 200);
});
