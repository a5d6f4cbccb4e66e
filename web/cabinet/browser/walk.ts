// The way from registration to one's own first call, as a newcomer goes it, whatever he uses the pages with.

import { MARINA, VISITOR, accessible, codeIn, expect, register, type Hand } from './cabinet';
import type { Page } from '@playwright/test';

/** Registers, adds a site and a number, proves it, publishes, has a telephone called, and finds the call in the journal. */
export async function firstCall(page: Page, hand: Hand): Promise<void> {
  const { press, write } = hand;
  const dialog = page.getByRole('dialog');
  await register(page, hand);
  await expect(page.getByRole('heading', { name: 'До первого звонка 5 шагов' })).toBeVisible();
  await press(page.getByRole('button', { name: 'Добавить сайт' }));
  await write(dialog.getByRole('textbox'), 'romashka.example');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/calling/);

  await press(page.locator('[data-field=managers]').getByRole('button', { name: 'Добавить номер' }));
  await write(page.getByRole('textbox', { name: 'Имя' }), 'Марина Белова');
  await write(page.getByRole('textbox', { name: 'Номер или SIP-адрес' }), MARINA);
  await accessible(page, 'the form of a manager');
  await press(dialog.getByRole('button', { name: 'Добавить номер' }));
  await press(page.getByRole('button', { name: /^Проверить/ }).first());
  await verify(page, hand);
  await expect(page.getByText('проверен').first()).toBeVisible();

  await press(page.getByRole('button', { name: 'Опубликовать' }));
  await press(dialog.getByRole('button', { name: 'Опубликовать' }));
  await expect(page.getByText(/версия 1 от/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Опубликовать' })).toHaveCount(0);

  await press(page.getByRole('link', { name: 'Сайты' }).first());
  await expect(page.getByRole('heading', { name: 'До первого звонка 1 шаг' })).toBeVisible();
  await press(page.getByRole('link', { name: 'Позвонить мне для проверки' }));
  await press(page.getByRole('button', { name: 'Позвонить мне для проверки' }));
  await write(page.getByRole('textbox', { name: 'Ваш телефон' }), VISITOR);
  await press(dialog.getByRole('button', { name: 'Проверить' }));
  await verify(page, hand);
  await press(dialog.getByRole('button', { name: 'Позвонить мне для проверки' }));
  await page.waitForURL(/\/calls\/[0-9a-f-]{36}/);
  // The page behind it has the same words, on a filter.
  await expect(dialog.getByText('Звонок прошёл успешно').first()).toBeVisible({ timeout: 40_000 });
  await accessible(page, 'a call');
  await press(dialog.getByRole('button', { name: 'Закрыть' }).last());
  await expect(page.getByRole('row', { name: VISITOR })).toContainText('Марина Белова');
  await press(page.getByRole('link', { name: 'Сайты' }).first());
  await expect(page.getByText('версия 1').first()).toBeVisible();
  await expect(page.getByRole('heading', { name: /^До первого звонка/ })).toHaveCount(0);
}

/** Has a telephone called, and types the code that it heard. */
async function verify(page: Page, { press, write }: Hand): Promise<void> {
  const dialog = page.getByRole('dialog');
  await press(dialog.getByRole('button', { name: 'Позвонить сейчас' }));
  const heard = await dialog.getByText(/Код для кабинета/).innerText();
  await write(dialog.getByRole('textbox', { name: 'Код' }), codeIn(heard));
  await press(dialog.getByRole('button', { name: 'Подтвердить' }));
}
