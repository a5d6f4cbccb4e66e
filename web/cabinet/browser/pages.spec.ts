// Every page, narrow and wide, light and dark: it fits, axe finds nothing, the console is silent.

import { ANNA, MARINA, accessible, addSite, expect, fits, login, register, test } from './cabinet';
import type { Page } from '@playwright/test';

// Links that are over.
test.use({ provoked: [/\b(404|410)\b/] });

const pages = (c: string, site: string): string[] => [
  `/c/${c}/overview`,
  `/c/${c}/calls`,
  `/c/${c}/live`,
  `/c/${c}/analysis`,
  `/c/${c}/sites`,
  ...['installation', 'scenarios', 'look', 'calling', 'schedule', 'offices', 'notices', 'protection', 'history'].map((page) => `${site}/${page}`),
  `/c/${c}/team`,
  `/c/${c}/notices`,
  `/c/${c}/company`,
  `/c/${c}/company/history`,
  `/c/${c}/company/visitors`,
  '/account',
];

let known: { number: string; email: string; site: string } | undefined;

/** One company for all of these: from one address few may register. */
async function enter(page: Page): Promise<{ number: string; site: string }> {
  if (known) await login(page, known.email);
  else {
    const owner = await register(page);
    const site = await addSite(page, owner.number);
    await fill(page, site);
    known = { ...owner, site };
  }
  return known;
}

/** Gives a site some of everything that its pages can show. */
async function fill(page: Page, site: string): Promise<void> {
  const manager = (name: string, address: string) => ({ name, address, extension: '12', extension_delay_s: 2, accept_key: 'auto', on: true, hours: { mon: ['09:00-18:00'] } });
  const set = {
    managers: [manager('Анна', ANNA), manager('Марина', MARINA)],
    offices: [{ name: 'Казань', time_zone: 'Europe/Samara', schedule: { mon: ['10:00-14:00', '15:00-02:00'] }, managers: [manager('Олег', '8 495 555-01-03')] }],
    blocked: [{ what: '+7 909 555-01-12', note: 'спам', until: '2027-02-01' }, { what: '203.0.113.0/24', note: '', until: null }],
    exceptions: [{ date: '2026-12-31', hours: ['09:00-15:00'] }],
    promise_seconds: 12,
    delay_to_visitor_s: 30,
  };
  const answer = await page.request.patch(`/api/v1/sites/${site.split('/').pop()}/draft`, { data: { revision: 0, set } });
  expect(answer.ok(), await answer.text()).toBe(true);
}

for (const [width, colorScheme] of [
  [1440, 'light'],
  [1440, 'dark'],
  [360, 'light'],
  [360, 'dark'],
] as const) {
  test(`every page at ${width} px, ${colorScheme}`, async ({ page }) => {
    // There are many pages, and each is looked at whole.
    test.setTimeout(300_000);
    await page.setViewportSize({ width, height: width < 500 ? 740 : 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const path of ['/login', '/register', '/forgot', '/reset?token=none', '/confirm?token=none', '/email?token=none', '/invite?token=none', '/nowhere']) {
      await page.goto(path);
      await expect(page.getByRole('heading').first()).toBeVisible();
      await fits(page, path);
      await accessible(page, path);
    }
    const { number, site } = await enter(page);
    for (const path of ['/outbox', '/outbox?lang=en', '/stop', ...pages(number, site), `${site}/calling?number=74955550102,12`, `${site}/offices?office=${encodeURIComponent('Казань')}`]) {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(page.locator('main :is(.card, form, article)').first(), `${path} is more than its heading`).toBeVisible();
      await fits(page, path);
      await accessible(page, path);
    }
  });
}
