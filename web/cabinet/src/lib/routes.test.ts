import { describe, expect, it } from 'vitest';
import { afterLogin, homeOf, loginBefore, place } from './routes';

describe('place', () => {
  it.each([
    ['/', 'home', {}],
    ['/login', 'login', {}],
    ['/c/4071-8', 'home', { c: '4071-8' }],
    ['/c/4071-8/overview', 'overview', { c: '4071-8' }],
    ['/c/4071-8/live', 'live', { c: '4071-8' }],
    ['/c/4071-8/analysis', 'analysis', { c: '4071-8' }],
    ['/c/4071-8/calls/', 'calls', { c: '4071-8' }],
    ['/c/4071-8/calls/0b6f', 'calls', { c: '4071-8', call: '0b6f' }],
    ['/c/4071-8/sites/k7m2', 'calling', { c: '4071-8', site: 'k7m2' }],
    ['/c/4071-8/sites/k7m2/protection', 'protection', { c: '4071-8', site: 'k7m2' }],
    ['/c/4071-8/sites/k7m2/notices', 'notices', { c: '4071-8', site: 'k7m2' }],
    ['/c/4071-8/notices', 'letters', { c: '4071-8' }],
    ['/c/4071-8/company/history', 'companyHistory', { c: '4071-8' }],
    ['/c/4071-8/company/visitors', 'companyVisitors', { c: '4071-8' }],
    ['/c/4071-8/nothing', 'missing', { c: '4071-8' }],
    ['/nothing', 'missing', {}],
    ['/c/%E0%A4%A', 'home', { c: '%E0%A4%A' }],
  ])('%s', (path, page, params) => {
    expect(place(path)).toEqual({ page, params });
  });
});

describe('afterLogin', () => {
  it.each([[null, '/'], ['/c/4071-8/team', '/c/4071-8/team'], ['//evil.example/c/', '/'], ['https://evil.example/c/', '/'], ['/account', '/account'], ['/login', '/']])('%s', (asked, to) => {
    expect(afterLogin(asked)).toBe(to);
  });
});

it('begins with the calls, for whoever sees them', () => {
  expect(homeOf('4071-8', 'marketer')).toBe('/c/4071-8/overview');
  expect(homeOf('4071-8', 'accountant')).toBe('/c/4071-8/start');
});

it('comes back after the login to where somebody was going, with what was asked there', () => {
  const next = (path: string, search = '') => afterLogin(new URL(loginBefore(path, new URLSearchParams(search)), 'http://cabinet.example').searchParams.get('next'));
  expect(next('/c/4071-8/calls', 'site=k7m2&status=connected')).toBe('/c/4071-8/calls?site=k7m2&status=connected');
  expect(next('/c/4071-8/team')).toBe('/c/4071-8/team');
  expect(next('/')).toBe('/');
});
