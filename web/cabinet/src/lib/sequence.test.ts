import { expect, it } from 'vitest';
import type { Manager } from './api/types';
import { hasSomebody } from './sequence';

const manager = (on: boolean): Manager => ({ name: '', address: '+74955550101', extension: null, extension_delay_s: 2, accept_key: 'auto', on, hours: null });
const office = (on: boolean) => ({ name: 'Москва', time_zone: null, schedule: null, managers: [manager(on)] });

it('knows whether there is anybody to ring: on its list, on the company’s, in an office', () => {
  expect(hasSomebody({ own_managers: true, managers: [manager(false)], offices: [] }, [manager(true)])).toBe(false);
  expect(hasSomebody({ own_managers: true, managers: [manager(false), manager(true)], offices: [] }, [])).toBe(true);
  expect(hasSomebody({ own_managers: false, managers: [manager(true)], offices: [] }, [manager(false)])).toBe(false);
  expect(hasSomebody({ own_managers: false, managers: [], offices: [] }, [manager(true)])).toBe(true);
  expect(hasSomebody({ own_managers: true, managers: [], offices: [office(true)] }, [])).toBe(true);
});
