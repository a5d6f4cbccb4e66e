// One draft, of a site or of the company: an edit is seen at once, kept in this tab, and sent 400 ms after the last
// keystroke, one request at a time. A field that somebody else changed meanwhile becomes a conflict to be settled.

import { api } from './api';
import { ApiError } from './api/client';
import type { Change, Conflict, DraftView, Problem, Published } from './api/types';
import { differences, left, problemsAt, remembered, same, type Fields, type Undo } from './draft-logic';

const QUIET_MS = 400;

export class Draft<Body extends object> {
  view = $state.raw<DraftView<Body> | null>(null);
  pending = $state.raw<Fields>({});
  sending = $state(false);
  conflicts = $state.raw<Conflict[]>([]);
  /** Why the last write was refused, in the server's words. */
  failed = $state.raw<ApiError | null>(null);
  /** What the fields themselves see to be wrong before the server does. */
  local = $state<Record<string, Problem | undefined>>({});
  #undo = $state.raw<(Undo & { at: number })[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sent: Promise<void> = Promise.resolve();
  /** What was refused as it stands: it holds nothing else up, and waits to be written anew. */
  #refused = new Map<string, ApiError>();
  /** The revision that was seen when each pending field was begun: what others wrote since is theirs. */
  #seen: Record<string, number> = {};

  body = $derived(this.view ? ({ ...this.view.body, ...this.pending } as Body) : null);
  changes: Change[] = $derived(this.body && this.view ? differences(this.body as Fields, this.view.published as Fields | null) : []);
  problems: Problem[] = $derived.by(() => {
    const told = (this.view?.problems ?? []).filter((problem) => !Object.keys(this.pending).some((field) => problemsAt([problem], field).length));
    const own = Object.values(this.local).filter((problem): problem is Problem => problem !== undefined);
    const refused = this.failed?.problems ?? [];
    return [...own, ...refused, ...told].filter((problem, i, all) => all.findIndex((other) => other.field === problem.field) === i);
  });
  saving = $derived(this.sending || Object.keys(this.pending).length > 0);
  canUndo = $derived(this.#undo.length > 0);

  constructor(readonly path: string) {
    const kept = sessionStorage.getItem(this.#key);
    if (kept) ({ seen: this.#seen, fields: this.pending } = JSON.parse(kept) as { seen: Record<string, number>; fields: Fields });
    const unsettled = sessionStorage.getItem(this.#conflictsKey);
    if (unsettled) this.conflicts = JSON.parse(unsettled) as Conflict[];
  }

  get #key(): string {
    return `draft:${this.path}`;
  }

  get #conflictsKey(): string {
    return `${this.#key}:conflicts`;
  }

  async load(): Promise<void> {
    this.view = await api.draft<Body>(this.path);
    // What went along with a page that was left has arrived.
    this.#keep(left(this.pending, this.view.body as Fields));
    if (Object.keys(this.pending).length) this.#later();
  }

  get<F extends keyof Body>(field: F): Body[F] | undefined {
    return this.body?.[field];
  }

  /** What is published of a field; undefined where nothing is, or where it is the same. */
  was<F extends keyof Body>(field: F): Body[F] | undefined {
    const published = this.view?.published;
    return published && this.body && !same(published[field], this.body[field]) ? published[field] : undefined;
  }

  set<F extends keyof Body & string>(field: F, value: Body[F]): void {
    if (!this.body || same(this.body[field], value)) return;
    this.#undo = remembered(this.#undo, { field, before: this.body[field] }, Date.now());
    this.#write(field, value);
  }

  undo(): string | null {
    const step = this.#undo.at(-1);
    if (!step) return null;
    this.#undo = this.#undo.slice(0, -1);
    delete this.local[step.field];
    this.#write(step.field, step.before);
    return step.field;
  }

  problem(field: string): Problem | undefined {
    return this.problems.find((problem) => problem.field === field);
  }

  /** Sends what waits, and resolves when nothing does. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    while (Object.keys(this.#unsent()).length && !this.failed) {
      this.#sent = this.#sent.then(() => this.#send());
      await this.#sent;
    }
    this.failed ??= [...this.#refused.values()][0] ?? null;
  }

  /** Sends all of it again, what was refused too. */
  async again(): Promise<void> {
    this.failed = null;
    this.#refused.clear();
    await this.flush();
  }

  /** The page is left: what waits goes with it, as far as a browser takes it along. */
  leave(): void {
    const [revision, fields] = this.#next();
    if (Object.keys(fields).length && !this.sending) api.editBehind(this.path, revision, fields);
  }

  /** What is sent next: the fields that were begun at the same revision, the oldest first. */
  #next(): [revision: number, fields: Fields] {
    const unsent = this.#unsent();
    const revision = Math.min(...Object.keys(unsent).map((field) => this.#seen[field] ?? 0));
    return [revision, Object.fromEntries(Object.entries(unsent).filter(([field]) => (this.#seen[field] ?? 0) === revision))];
  }

  #unsent(): Fields {
    return Object.fromEntries(Object.entries(this.pending).filter(([field]) => !this.#refused.has(field)));
  }

  /** Sends what waits, for something that is about all of it; throws where a write was refused. */
  async settled(): Promise<void> {
    await this.flush();
    if (this.failed) throw this.failed;
  }

  async publish(): Promise<Published> {
    await this.settled();
    const published = await api.publish(this.path, this.view?.revision ?? 0);
    this.#undo = [];
    await this.load();
    return published;
  }

  async reset(): Promise<void> {
    await this.flush();
    await this.#replace((revision) => api.resetDraft<Body>(this.path, revision));
  }

  async restore(version: number): Promise<void> {
    await this.#replace((revision) => api.restore<Body>(this.path, version, revision));
  }

  /** The draft becomes another; what was typed here is kept where the server refuses. */
  async #replace(by: (revision: number) => Promise<DraftView<Body>>): Promise<void> {
    this.view = await by(this.view?.revision ?? 0);
    this.#undo = [];
    this.local = {};
    this.failed = null;
    this.#refused.clear();
    this.#leave([]);
    this.#keep({});
  }

  /** Settles a conflict: one's own value is written over the other's, or the other's stays. */
  settle(conflict: Conflict, mine: boolean): void {
    this.#leave(this.conflicts.filter((other) => other !== conflict));
    if (mine) this.#write(conflict.field, conflict.yours);
  }

  #write(field: string, value: unknown): void {
    this.failed = null;
    this.#refused.delete(field);
    if (!(field in this.pending)) this.#seen[field] = this.view?.revision ?? 0;
    this.#keep({ ...this.pending, [field]: value });
    this.#later();
  }

  #keep(pending: Fields): void {
    this.pending = pending;
    if (Object.keys(pending).length) sessionStorage.setItem(this.#key, JSON.stringify({ seen: this.#seen, fields: pending }));
    else sessionStorage.removeItem(this.#key);
  }

  #leave(conflicts: Conflict[]): void {
    this.conflicts = conflicts;
    if (conflicts.length) sessionStorage.setItem(this.#conflictsKey, JSON.stringify(conflicts));
    else sessionStorage.removeItem(this.#conflictsKey);
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), QUIET_MS);
  }

  async #send(): Promise<void> {
    const [revision, sent] = this.#next();
    if (!this.view || !Object.keys(sent).length) return;
    this.sending = true;
    try {
      const { conflicts = [], ...view } = await api.edit<Body>(this.path, revision, sent);
      this.view = view;
      // Of these it is known how they stand now; of what was begun before and waits still, it is not.
      for (const field of Object.keys(sent)) this.#seen[field] = view.revision;
      // What was overtaken is held by its conflict before it is no longer pending: a page that is loaded anew has it.
      if (conflicts.length) this.#leave([...this.conflicts.filter((old) => !conflicts.some((now) => now.field === old.field)), ...conflicts]);
      this.#keep(left(this.pending, sent));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const named = Object.keys(sent).filter((field) => problemsAt(error.problems, field).length);
      for (const field of named) this.#refused.set(field, error);
      if (!named.length) this.failed = error;
      if (error.status === 403) whoMayWhat();
    } finally {
      this.sending = false;
    }
  }
}

let whoMayWhat: () => void = () => undefined;

/** Says what to do where a write was forbidden: somebody's part may have changed meanwhile. */
export function onForbidden(ask: () => void): void {
  whoMayWhat = ask;
}

if (typeof addEventListener === 'function') addEventListener('pagehide', () => opened.forEach((draft) => draft.leave()));

/** Drafts that were opened in this tab: leaving a page keeps what was typed. */
const opened = new Map<string, Draft<never>>();

/** The draft at a path, loaded once. */
export function draftAt<Body extends object>(path: string): Draft<Body> {
  const known = opened.get(path) as Draft<Body> | undefined;
  if (known) return known;
  // It outlives the component that asks first: what it derives must not end with it.
  let draft!: Draft<Body>;
  $effect.root(() => {
    draft = new Draft<Body>(path);
  });
  opened.set(path, draft as unknown as Draft<never>);
  return draft;
}

/** Forgets all of them: somebody else logs in. */
export function forgetDrafts(): void {
  opened.clear();
  for (const key of Object.keys(sessionStorage)) if (key.startsWith('draft:')) sessionStorage.removeItem(key);
}
