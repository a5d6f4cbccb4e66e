// What the stories share: a page that tells of every error, a company that registered, axe.

import AxeBuilder from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';

export const PASSWORD = 'три весёлых гуся';
/** The practice exchange's: Anna takes the call after 2 s; the visitor after 3 s. */
export const ANNA = '8 (495) 555-01-02';
export const VISITOR = '+7 916 555-01-47';

/** A page whose console and policy stay silent. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page }, use) => {
    const said: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) said.push(`${message.type()}: ${message.text()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) said.push(`${response.status()} ${response.request().method()} ${response.url()}`);
    });
    page.on('pageerror', (error) => said.push(error.message));
    await use(page);
    expect(said, 'the console, and the policy, are silent').toEqual([]);
  },
});
export { expect };

let companies = 0;

/** Registers a company, and confirms it by the letter in the outbox; its number. */
export async function register(page: Page, company = 'Ромашка'): Promise<{ number: string; email: string }> {
  companies += 1;
  const email = `owner${Date.now()}-${companies}@romashka.example`;
  await page.goto('/register');
  await page.getByLabel('Компания').fill(company);
  await page.getByLabel('Почта').fill(email);
  await page.getByLabel('Пароль', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Создать кабинет' }).click();
  await expect(page.getByText(email)).toBeVisible();
  await page.goto('/outbox');
  await page.locator('article').filter({ hasText: email }).getByRole('link').click();
  await page.getByLabel('Пароль', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Войти' }).click();
  await page.waitForURL(/\/c\/[0-9]+-[0-9]\//);
  return { number: page.url().match(/\/c\/([0-9-]+)\//)?.[1] ?? '', email };
}

/** No rule of axe is broken. */
export async function accessible(page: Page, where: string): Promise<void> {
  await page.evaluate(async () => {
    const ends = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    await Promise.allSettled(ends.map((one) => one.finished));
  });
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(' ')}`), where).toEqual([]);
}

/** Nothing is wider than the window. */
export async function fits(page: Page, where: string): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), where).toBeLessThanOrEqual(0);
}
