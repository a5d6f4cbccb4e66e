// One way to the API: JSON there and back, problems as typed errors. A login that ended is asked for again, and the
// request that met it goes on; a service that is away is waited for where asking twice does no harm.

import { net, reach } from './net.svelte';
import type { Problem } from './types';

const BASE = '/api/v1';
/** Answers of what stands between, while the service starts. */
const AWAY = new Set([502, 503, 504]);

/** What the API refused, and why. */
export class ApiError extends Error {
  readonly kind: string;
  readonly problems: Problem[];

  constructor(
    readonly status: number,
    readonly body: Record<string, unknown>,
  ) {
    super(String(body.detail ?? body.title ?? status));
    this.kind = String(body.type ?? '').split('/').pop() ?? '';
    this.problems = Array.isArray(body.problems) ? (body.problems as Problem[]) : [];
  }

  /** A number beside the usual, like `attempts_left`. */
  number(name: string): number | null {
    const value = this.body[name];
    return typeof value === 'number' ? value : null;
  }
}

/** The service did not answer. */
export class Away extends Error {}

let loginAgain: (() => Promise<void>) | null = null;

/** Says what happens when the login has ended: it resolves when somebody is logged in again. */
export function onSessionOver(ask: () => Promise<void>): void {
  loginAgain = ask;
}

let typist = '';

/** Says who it is that writes: where somebody else has logged in meanwhile, in another tab, nothing is written as his. */
export function speakAs(user: string): void {
  typist = user;
}

/** Asks again when a login that ended is there again. */
export async function withLogin<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError && error.kind === 'login-needed' && loginAgain)) throw error;
      await loginAgain();
    }
  }
}

/** The heads of a request that changes something. */
export const writing = (): Record<string, string> => ({ 'content-type': 'application/json', ...(typist && { 'x-user': typist }) });

interface Asking {
  /** Waits for a service that is away instead of failing; for what may be asked twice. */
  patient?: boolean;
  /** An ended login is an answer, not a reason to ask for one. */
  anonymous?: boolean;
}

/** Asks the API. */
export async function ask<T>(method: string, path: string, body?: unknown, how: Asking = {}): Promise<T> {
  const patient = how.patient ?? method === 'GET';
  for (;;) {
    try {
      return await once<T>(method, path, body, patient);
    } catch (error) {
      if (error instanceof Away && patient) await net.online();
      else if (error instanceof ApiError && error.kind === 'login-needed' && !how.anonymous && loginAgain) await loginAgain();
      else throw error;
    }
  }
}

async function once<T>(method: string, path: string, body: unknown, patient: boolean): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } };
  if (body instanceof Blob) {
    init.body = body;
    init.headers = { ...init.headers, ...writing(), 'content-type': body.type };
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
  }
  if (method !== 'GET' && !(body instanceof Blob)) init.headers = { ...init.headers, ...writing() };
  let answer: Response;
  try {
    answer = await reach(BASE + path, init);
  } catch {
    net.lost();
    throw new Away();
  }
  // The service itself says why it cannot do what may not be asked twice.
  const isSaid = !patient && answer.headers.get('content-type')?.startsWith('application/problem+json');
  if (AWAY.has(answer.status) && !isSaid) {
    net.lost();
    throw new Away();
  }
  net.found();
  if (answer.status === 204) return undefined as T;
  const told: unknown = await answer.json().catch(() => null);
  if (answer.ok) return told as T;
  throw new ApiError(answer.status, (told ?? {}) as Record<string, unknown>);
}
