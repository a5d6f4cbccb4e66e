// What the stories share: pages that tell of every error, hands that use them, a company that registered, axe.

import AxeBuilder from '@axe-core/playwright';
import { expect, test as base, type BrowserContext, type Locator, type Page } from '@playwright/test';

export const PASSWORD = 'три весёлых гуся';
/** The practice exchange's: Marina takes the call after 3 s, and presses 1 when she is asked to; the visitor after 2 s, and
    hangs up 5 s later. */
export const MARINA = '8 (495) 555-01-01';
export const ANNA = '8 (495) 555-01-02';
export const VISITOR = '+7 916 555-01-05';

interface Stories {
  /** What a story brings about itself, and what is therefore no error in it. */
  provoked: RegExp[];
  /** Another browser, of somebody else. */
  colleague: Page;
}

/** Pages whose console and policy stay silent, and that open no window of their own. */
export const test = base.extend<Stories>({
  provoked: [[], { option: true }],
  context: async ({ context, provoked }, use) => {
    const said = overheard(context);
    await use(context);
    silent(said, provoked);
  },
  colleague: async ({ browser, provoked }, use) => {
    const context = await browser.newContext();
    const said = overheard(context);
    await use(await context.newPage());
    await context.close();
    silent(said, provoked);
  },
});
export { expect };

function overheard(context: BrowserContext): string[] {
  const said: string[] = [];
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) said.push(`${message.type()}: ${message.text()}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 400) said.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  context.on('weberror', (error) => said.push(error.error().message));
  context.on('dialog', (dialog) => {
    said.push(`${dialog.type()}: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return said;
}

function silent(said: string[], provoked: RegExp[]): void {
  expect(said.filter((one) => !provoked.some((known) => known.test(one))), 'the console, and the policy, are silent').toEqual([]);
}

/** Shadows of the pages to come are opened, so that what stands in them can be read. */
export const openShadows = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function open(how) {
      return attach.call(this, { ...how, mode: 'open' });
    };
  });

/** How somebody uses a page. */
export interface Hand {
  press(goal: Locator): Promise<void>;
  write(goal: Locator, text: string): Promise<void>;
}

/** With a pointer, and text that is there at once. */
export const pointer: Hand = {
  press: (goal) => goal.click(),
  write: (goal, text) => goal.fill(text),
};

/** With a finger, on a screen that takes one. */
export const finger: Hand = {
  press: (goal) => goal.tap(),
  write: async (goal, text) => {
    await goal.tap();
    await goal.fill(text);
  },
};

let companies = 0;

/** Registers a company, and confirms it by the letter in the outbox; its number, and its owner's address. */
export async function register(page: Page, { press, write } = pointer, company = 'Ромашка'): Promise<{ number: string; email: string }> {
  companies += 1;
  const email = `owner${Date.now()}-${companies}@romashka.example`;
  await page.goto('/register');
  await write(page.getByLabel('Компания'), company);
  await write(page.getByLabel('Почта'), email);
  await write(page.getByLabel('Пароль', { exact: true }), PASSWORD);
  await press(page.getByRole('button', { name: 'Создать кабинет' }));
  await expect(page.getByText(email)).toBeVisible();
  await page.goto('/outbox');
  await press(page.locator('article').filter({ hasText: email }).getByRole('link'));
  await write(page.getByLabel('Пароль', { exact: true }), PASSWORD);
  await press(page.getByRole('button', { name: 'Войти' }));
  await page.waitForURL(/\/c\/[0-9]+-[0-9]\//);
  return { number: page.url().match(/\/c\/([0-9-]+)\//)?.[1] ?? '', email };
}

/** Logs somebody in who is known. */
export async function login(page: Page, email: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Почта').fill(email);
  await page.getByLabel('Пароль', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Войти', exact: true }).click();
  await page.waitForURL(/\/c\/[0-9]+-[0-9]\//);
}

/** Logs in as who looks around in the practice company; the path of its pages. */
export async function lookAround(page: Page): Promise<string> {
  await page.goto('/login');
  await page.getByLabel('Почта').fill('practice@callback.example');
  await page.getByLabel('Пароль', { exact: true }).fill('practice makes perfect');
  await page.getByRole('button', { name: 'Войти', exact: true }).click();
  await page.waitForURL(/\/c\/[0-9]+-[0-9]\//);
  return page.url().match(/\/c\/[0-9-]+/)?.[0] ?? '';
}

/** Invites somebody to a company as one more owner, and has him accept by the letter in the outbox; his address. */
export async function join(owner: Page, number: string, colleague: Page, name: string): Promise<string> {
  const email = `colleague-of-${number}@romashka.example`;
  await owner.request.post(`/api/v1/customers/${number}/invitations`, { data: { email, role: 'owner' } });
  await colleague.goto('/outbox');
  await colleague.locator('article').filter({ hasText: email }).getByRole('link').click();
  await colleague.getByLabel('Имя').fill(name);
  await colleague.getByLabel('Пароль', { exact: true }).fill(PASSWORD);
  await colleague.getByRole('button', { name: 'Принять' }).click();
  await colleague.waitForURL(new RegExp(`/c/${number}`));
  return email;
}

/** Adds a site, without its page; the path of its pages. */
export async function addSite(page: Page, number: string, url = 'romashka.example'): Promise<string> {
  const added = await page.request.post(`/api/v1/customers/${number}/sites`, { data: { url } });
  const { key } = (await added.json()) as { key: string };
  return `/c/${number}/sites/${key}`;
}

/** The settings that stories write, on the page of a site's calls. */
export const siteName = (page: Page): Locator => page.getByRole('textbox', { name: 'Название' });
export const sound = (page: Page): Locator => page.getByRole('textbox', { name: 'Как произносить сайт' });

/** Nothing that was typed waits to be sent. */
export async function isSaved(page: Page): Promise<void> {
  await expect(page.getByText(/Сохранено в/)).toBeVisible();
}

/** Adds a number to the list of managers that the page has. */
export async function addManager(page: Page, name: string, phone: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.locator('[data-field=managers], [data-field=offices]').getByRole('button', { name: 'Добавить номер' }).click();
  await dialog.getByRole('textbox', { name: 'Имя' }).fill(name);
  await dialog.getByRole('textbox', { name: 'Номер или SIP-адрес' }).fill(phone);
  await dialog.getByRole('button', { name: 'Добавить номер' }).click();
}

/** Publishes the draft of the page. */
export async function publish(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Опубликовать' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Опубликовать' }).click();
}

/** Proves a number, without its dialog: the telephone is called, and what it heard is told. */
export async function prove(page: Page, number: string, phone: string): Promise<void> {
  const numbers = `/api/v1/customers/${number}/numbers`;
  const called = await page.request.post(`${numbers}/verify`, { data: { phone } });
  const { heard } = (await called.json()) as { heard: string };
  await page.request.post(`${numbers}/confirm`, { data: { phone, code: codeIn(heard) } });
}

/** The code in the sentence that a practice telephone heard. */
export const codeIn = (heard: string): string => heard.match(/\d, \d, \d, \d/)?.[0].replace(/\D/g, '') ?? '';

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
  const cut = await page.evaluate(() => {
    const inside = [...document.querySelectorAll<HTMLElement>('[role=dialog] :is(button, a, input, select)')].filter((one) => one.checkVisibility());
    return inside.filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1).map((one) => one.textContent.trim());
  });
  expect(cut, `${where}: cut off`).toEqual([]);
}
