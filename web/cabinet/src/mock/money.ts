// A company's money, from memory.

import type { Balance, CallRow, Charged, StatementLine } from '../lib/api/types';
import { calls } from './data';

/** What a call's legs were charged. */
export function charged(call: CallRow): Charged {
  const legs = call.lanes.filter((lane) => lane.answered_ms !== null).map((lane) => ({ leg: lane.leg, seconds: call.talk_s ?? 5, price: ((call.talk_s ?? 5) * 0.04).toFixed(6) }));
  return { currency: 'RUB', paid: legs.reduce((sum, leg) => sum + Number(leg.price), 0).toFixed(6), held: null, legs };
}

/** What the API answers about money; nothing where it is about something else. */
export function money(rest: string, query: URLSearchParams, seesCalls: boolean, isNew: boolean): [number, unknown] | null {
  const of = (call: CallRow) => ({ call: seesCalls ? call.id : null, phone: seesCalls ? call.phone : `${call.phone.slice(0, 5)}•••••${call.phone.slice(-2)}`, site: call.site.name, disposition: call.disposition });
  if (rest === 'balance') return [200, balance(isNew, isNew ? [] : calls.slice(0, 1).map((call) => ({ ...of(call), amount: '24.000000' })))];
  if (rest === 'price') return query.get('phone')?.startsWith('+49') ? [200, { phone: '+49 171 1234567', country: 'DE', region: null, currency: 'RUB', price: null }]
    : [200, { phone: '+7 846 555-01-30', country: 'RU', region: 'Самарская область', currency: 'RUB', price: { first_minute: '1.900000', next_minute: '1.900000', initial_s: 1, increment_s: 1, with_manager: { first_minute: '3.500000', next_minute: '3.500000' } } }];
  if (rest === 'payments') return [200, []];
  if (rest !== 'statement') return null;
  let left = 1264.16;
  const line = (id: number, at: string, what: string, amount: number, more: Partial<StatementLine> = {}): StatementLine => {
    const told = { id, at, what, call: null, provider: null, amount: amount.toFixed(6), balance: left.toFixed(6), ...more };
    left -= amount;
    return told;
  };
  const lines = isNew ? [] : [
    ...calls.map((call, i) => line(100 - i, call.at, 'call', -Number(charged(call).paid), { call: of(call) })),
    line(50, '2026-11-19T07:00:00Z', 'top_up', 1000, { provider: 'practice' }),
    line(49, '2026-11-18T06:12:00Z', 'top_up', 351.02),
  ];
  return [200, { currency: 'RUB', lines, next: null }];
}

const balance = (isNew: boolean, held: Balance['held']): Balance => ({
  currency: 'RUB', balance: isNew ? '0.000000' : '1264.160000', reserved: isNew ? '0.000000' : '24.000000', free: isNew ? '0.000000' : '1240.160000', credit_limit: '0.000000',
  minutes: isNew ? 0 : 310, usual: { site: 'romashka.example', visitor: '+7 912 345-67-89', minutes: 3, price: '12.000000' }, spent_7d: isNew ? '0.000000' : '1416.400000', lasts_days: isNew ? null : 6, held, pays: true, practice: true,
});
