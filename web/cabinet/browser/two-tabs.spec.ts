// One draft that is open twice: whoever writes over what he has not seen is told, and nothing that was typed is lost.

import { ANNA, MARINA, addManager, addSite, expect, isSaved, join, login, lookAround, publish, register, siteName, sound, test } from './cabinet';
import type { Locator, Page } from '@playwright/test';

// What was overtaken is refused.
test.use({ provoked: [/\b409\b/] });

let known: { number: string; email: string; colleague: string } | undefined;

/** One company for all of these, and two who are in it: from one address few may register. */
async function enter(owner: Page, colleague: Page): Promise<string> {
  if (known) {
    await login(owner, known.email);
    await login(colleague, known.colleague);
  } else {
    const { number, email } = await register(owner);
    known = { number, email, colleague: await join(owner, number, colleague, 'Игорь Ветров') };
  }
  return known.number;
}

test('two people write the same, and publish what the other has changed', async ({ page: irina, colleague: igor }) => {
  const number = await enter(irina, igor);
  const settings = `${await addSite(irina, number)}/calling`;
  await open(settings, irina);
  await publish(irina);
  await expect(irina.getByText(/версия 1 от/)).toBeVisible();
  await open(settings, irina, igor);

  await siteName(irina).fill('Ромашка Север');
  await isSaved(irina);
  await sound(igor).fill('ромашка');
  await isSaved(igor);
  await expect(siteName(igor), 'what is no conflict is taken over').toHaveValue('Ромашка Север');
  const strip = igor.getByText(/меняет эти же настройки: название/);
  await igor.setViewportSize({ width: 360, height: 740 });
  await expect.poll(() => strip.evaluate((one) => one.scrollHeight - one.clientHeight), 'the strip has room for its words').toBe(0);

  await sound(irina).fill('ромашка на севере');
  const conflict = overtaken(irina, 'Вы и Игорь Ветров изменили одно и то же');
  await expect(conflict).toContainText('Игорь Ветров: ромашка');
  await conflict.getByRole('button', { name: 'Ваше: ромашка на севере' }).click();
  await isSaved(irina);
  await expect(sound(irina)).toHaveValue('ромашка на севере');

  await publish(igor);
  const refused = igor.getByRole('group').filter({ hasText: 'Черновик успели изменить. Посмотрите и опубликуйте ещё раз.' });
  await refused.getByRole('button', { name: 'Сравнить' }).click();
  const published = igor.getByRole('dialog', { name: 'Опубликовать версию 2?' });
  await expect(published).toContainText('ромашка на севере');
  await published.getByRole('button', { name: 'Опубликовать' }).click();
  await expect(igor.getByText(/версия 2 от/)).toBeVisible();
});

test('two tabs of one person write the same', async ({ page: first, context }) => {
  const { number } = await register(first);
  const settings = `${await addSite(first, number)}/calling`;
  const second = await context.newPage();
  await open(settings, first, second);

  await siteName(first).fill('Ромашка Север');
  await isSaved(first);
  await siteName(second).fill('Ромашка Юг');
  const conflict = overtaken(second, 'Вы изменили одно и то же в двух окнах');
  await conflict.getByRole('button', { name: 'В другом окне: Ромашка Север' }).click();
  await expect(siteName(second)).toHaveValue('Ромашка Север');

  await addManager(first, 'Марина', MARINA);
  await isSaved(first);
  await addManager(second, 'Анна', ANNA);
  await expect(conflict).toBeVisible();
  await second.reload();
  await conflict.getByRole('button', { name: `Ваше: Добавлен номер: Анна, ${ANNA}. Убран номер: Марина, ${MARINA}.` }).click();
  await expect(second.getByText('Анна').first()).toBeVisible();
  await isSaved(second);
});

test('what a colleague wrote while an edit was on its way is not written over', async ({ page: irina, colleague: igor }) => {
  const number = await enter(irina, igor);
  const settings = `${await addSite(irina, number, 'held.example')}/calling`;
  await open(settings, irina, igor);
  let let_go = (): void => undefined;
  const held = new Promise<void>((go) => (let_go = go));
  let isFirst = true;
  await irina.route('**/draft', async (route) => {
    if (route.request().method() === 'PATCH' && isFirst) {
      isFirst = false;
      await held;
    }
    await route.continue();
  });
  const sent = irina.waitForRequest((request) => request.method() === 'PATCH');
  await siteName(irina).fill('Ромашка Север');
  await sent;
  // Her edit of another field waits behind the first one.
  await sound(irina).fill('звук Ирины');
  await sound(igor).fill('звук Игоря');
  await isSaved(igor);
  let_go();
  const conflict = overtaken(irina, 'Вы и Игорь Ветров изменили одно и то же');
  await conflict.getByRole('button', { name: 'Игорь Ветров: звук Игоря' }).click();
  await expect(sound(irina)).toHaveValue('звук Игоря');
  await expect(siteName(irina)).toHaveValue('Ромашка Север');
});

test('whoever logs in in another tab writes nothing as somebody else', async ({ page: irina, colleague: igor, context }) => {
  const number = await enter(irina, igor);
  const settings = `${await addSite(irina, number, 'other.example')}/calling`;
  await open(settings, irina);
  const other = await context.newPage();
  await other.request.post('/api/v1/logout', { data: {} });
  await lookAround(other);
  await siteName(irina).fill('Ромашка Север');
  await expect(irina.getByText('В этом браузере вошёл другой человек. Загрузите страницу заново.')).toBeVisible();
  await expect(siteName(irina), 'and what was typed can be read still').toHaveValue('Ромашка Север');
});

const overtaken = (page: Page, title: string): Locator => page.getByRole('dialog', { name: title });

/** All see the draft as it is. */
async function open(settings: string, ...pages: Page[]): Promise<void> {
  for (const page of pages) {
    await page.goto(settings);
    await expect(siteName(page)).toBeVisible();
  }
}
