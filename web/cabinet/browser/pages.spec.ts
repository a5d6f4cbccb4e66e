// Every page, narrow and wide, light and dark: it fits, axe finds nothing, the console is silent.

import { accessible, addSite, expect, fits, register, test } from './cabinet';

const pages = (c: string, site: string): string[] => [
  `/c/${c}/overview`,
  `/c/${c}/calls`,
  `/c/${c}/live`,
  `/c/${c}/analysis`,
  `/c/${c}/sites`,
  ...['calling', 'schedule', 'offices', 'notices', 'protection', 'history'].map((page) => `${site}/${page}`),
  `/c/${c}/team`,
  `/c/${c}/notices`,
  `/c/${c}/company`,
  `/c/${c}/company/history`,
  '/account',
];

for (const [width, colorScheme] of [
  [1440, 'light'],
  [1440, 'dark'],
  [360, 'light'],
  [360, 'dark'],
] as const) {
  test(`every page at ${width} px, ${colorScheme}`, async ({ page }) => {
    await page.setViewportSize({ width, height: width < 500 ? 740 : 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const path of ['/login', '/register', '/forgot', '/reset?token=none']) {
      await page.goto(path);
      await expect(page.getByRole('heading').first()).toBeVisible();
      await fits(page, path);
      await accessible(page, path);
    }
    const { number } = await register(page);
    for (const path of ['/outbox', '/outbox?lang=en', '/stop', ...pages(number, await addSite(page, number))]) {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(page.locator('main :is(.card, form, article)').first(), `${path} is more than its heading`).toBeVisible();
      await fits(page, path);
      await accessible(page, path);
    }
  });
}
