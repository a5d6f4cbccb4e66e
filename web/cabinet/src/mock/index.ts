// The API from memory, for looking at pages without a server: `npm run dev -- --mode mock`. `?as=new|empty|marketer|agency|out`
// in the address chooses who looks.

import { answer } from './server';

const PAUSE_MS = 80;
/** Questions so far: a page that asks without end shows itself. */
let asked = 0;

export function install(): void {
  const real = globalThis.fetch.bind(globalThis);
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input), location.href);
    if (!url.pathname.startsWith('/api/v1')) return real(input, init);
    asked += 1;
    document.documentElement.dataset.asked = String(asked);
    await new Promise((wake) => setTimeout(wake, PAUSE_MS));
    if (sessionStorage.getItem('mock-away')) throw new TypeError('away');
    const body: unknown = init?.body ? JSON.parse(String(init.body)) : undefined;
    const [status, told] = answer(init?.method ?? 'GET', url.pathname.slice('/api/v1'.length), url.searchParams, body);
    const problem = status >= 400;
    return new Response(status === 204 ? null : JSON.stringify(told), {
      status,
      headers: { 'content-type': problem ? 'application/problem+json' : 'application/json' },
    });
  };
  // Nothing happens by itself here.
  globalThis.EventSource = class extends EventTarget {
    close(): void {}
  } as unknown as typeof EventSource;
}
