// What is plainly wrong with a draft's calling, each with the one edit that cures it. It sees what stands on this page;
// the server's rehearsal sees a whole week.

import type { Manager, SiteBody } from './api/types';
import { isSip } from './phone';
import { ringing, sequence } from './sequence';

export type Notice =
  | { key: 'late'; seconds: number; cure: { field: 'delay_to_visitor_s'; value: number } | { field: 'mode'; value: 'together' } | { field: 'promise_seconds'; value: number } }
  | { key: 'unverified'; name: string; address: string }
  | { key: 'extension'; name: string; at: number }
  | { key: 'one' };

export function notices(body: SiteBody, managers: Manager[], isVerified: (address: string) => boolean): Notice[] {
  const on = ringing(managers);
  const found: Notice[] = [];
  const usual = sequence(body, managers, 'usual').joined;
  if (usual !== null && usual > body.promise_seconds) found.push({ key: 'late', seconds: usual, cure: cureOf(body, managers, usual) });
  for (const manager of on) if (!isSip(manager.address) && !isVerified(manager.address)) found.push({ key: 'unverified', name: manager.name, address: manager.address });
  managers.forEach((manager, at) => {
    if (manager.on && manager.extension && manager.accept_key === 'no') found.push({ key: 'extension', name: manager.name, at });
  });
  if (on.length === 1) found.push({ key: 'one' });
  return found;
}

/** The mildest edit that keeps the promise: a shorter pause, then both at once, then a longer promise. */
function cureOf(body: SiteBody, managers: Manager[], usual: number): (Notice & { key: 'late' })['cure'] {
  const over = usual - body.promise_seconds;
  if (body.delay_to_visitor_s >= over) return { field: 'delay_to_visitor_s', value: body.delay_to_visitor_s - over };
  const together = sequence({ ...body, mode: 'together' }, managers, 'usual').joined ?? usual;
  if (body.mode === 'manager_first' && together <= body.promise_seconds) return { field: 'mode', value: 'together' };
  return { field: 'promise_seconds', value: Math.min(600, usual) };
}
