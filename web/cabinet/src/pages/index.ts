// Every page, loaded when it is first seen.

import type { Component } from 'svelte';
import type { Page } from '../lib/routes';

type Loader = () => Promise<{ default: Component }>;

export const pages: Record<Exclude<Page, 'home'>, Loader> = {
  login: () => import('./auth/Login.svelte'),
  register: () => import('./auth/Register.svelte'),
  confirm: () => import('./auth/Confirm.svelte'),
  forgot: () => import('./auth/Forgot.svelte'),
  reset: () => import('./auth/Reset.svelte'),
  email: () => import('./auth/Email.svelte'),
  invite: () => import('./auth/Invite.svelte'),
  start: () => import('./Start.svelte'),
  account: () => import('./account/Account.svelte'),
  overview: () => import('./overview/Overview.svelte'),
  calls: () => import('./calls/Calls.svelte'),
  live: () => import('./calls/Calls.svelte'),
  analysis: () => import('./analysis/Analysis.svelte'),
  sites: () => import('./sites/Sites.svelte'),
  calling: () => import('./site/Calling.svelte'),
  schedule: () => import('./site/Schedule.svelte'),
  offices: () => import('./site/Offices.svelte'),
  installation: () => import('./site/Installation.svelte'),
  scenarios: () => import('./site/Scenarios.svelte'),
  look: () => import('./site/Look.svelte'),
  protection: () => import('./site/Protection.svelte'),
  notices: () => import('./notices/SiteNotices.svelte'),
  letters: () => import('./notices/Notices.svelte'),
  history: () => import('./site/History.svelte'),
  team: () => import('./team/Team.svelte'),
  company: () => import('./company/Company.svelte'),
  companyHistory: () => import('./company/History.svelte'),
  balance: () => import('./balance/Balance.svelte'),
  companyVisitors: () => import('./visitors/Visitors.svelte'),
  more: () => import('./More.svelte'),
  missing: () => import('./Missing.svelte'),
};

/** The shell around the pages of who is logged in. */
export const shell = () => import('../shell/Shell.svelte');
