// What is wrong, is asked for by its address, comes from a file, or is taken back.

import { ANNA, MARINA, accessible, addManager, addSite, expect, fits, isSaved, login, register, siteName, sound, test } from './cabinet';
import type { Page } from '@playwright/test';

// A draft that is wrong is not rehearsed.
test.use({ provoked: [/\b422\b/] });

let owner: { number: string; email: string } | undefined;

/** One company for all of these: from one address few may register. */
async function enter(page: Page): Promise<{ number: string }> {
  if (owner) await login(page, owner.email);
  else owner = await register(page);
  return owner;
}

test('the address leads to a field, and so does what is wrong on another page', async ({ page }) => {
  const { number } = await enter(page);
  const site = await addSite(page, number, 'led.example');
  await page.goto(`${site}/calling?field=pronunciation`);
  await expect(sound(page)).toBeFocused();
  await siteName(page).fill('');
  const wrong = page.getByText('Заполните это поле.').first();
  await expect(wrong).toBeVisible();
  await page.goto(`${site}/protection`);
  await page.getByRole('button', { name: 'Опубликовать' }).click();
  await expect(siteName(page)).toBeFocused();
  await expect(wrong).toBeVisible();

  await page.goto(`/c/${number}/company`);
  await page.getByRole('button', { name: 'Найти' }).click();
  await page.getByRole('combobox', { name: 'Поиск и команды' }).fill('Кругов по номерам');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Кругов по номерам' })).toBeFocused();
  await page.goto(`/c/${number}/company?field=time_zone`);
  await expect(page.getByRole('combobox', { name: 'Часовой пояс' })).toBeFocused();
});

test('a time that is none is said, and not published', async ({ page }) => {
  const { number } = await enter(page);
  const site = await addSite(page, number, 'times.example');
  await page.goto(`${site}/schedule`);
  await expect(page.getByText('Звонить пока некому.')).toBeVisible();
  await page.getByRole('button', { name: 'По часам' }).click();
  await page.getByRole('button', { name: 'вт, Вторник' }).click();
  await page.getByRole('textbox', { name: 'до' }).fill('25:00');
  await page.getByRole('textbox', { name: 'до' }).blur();
  const wrong = page.getByText('Время пишется так: 9:00.', { exact: true });
  await expect(wrong).toBeVisible();
  await expect(page.getByRole('region', { name: 'Черновик' })).toContainText('с ошибкой');
  await page.goto(`${site}/offices`);
  await page.getByRole('button', { name: 'Опубликовать' }).click();
  await expect(page).toHaveURL(/schedule/);
  await expect(page.getByRole('textbox', { name: 'до' })).toHaveValue('25:00');
  await expect(wrong).toBeVisible();

  await page.getByRole('button', { name: 'Дата', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Дата', { exact: true }).fill('2026-12-31');
  await dialog.getByRole('button', { name: 'Другие часы' }).click();
  await dialog.getByRole('textbox', { name: 'до' }).fill('девять');
  await dialog.getByRole('button', { name: 'Готово' }).click();
  await expect(dialog.getByText('Время пишется так: 9:00.')).toBeVisible();
});

test('a number that stands in a file twice comes once', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'file.example')}/protection`);
  const file = 'Кого,Почему\r\n+79095550112,спам\r\n8 (909) 555-01-12,спам ещё раз\r\n';
  await page.locator('input[type=file]').setInputFiles({ name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from(file) });
  await expect(page.getByText('Добавили 1 запись.', { exact: true })).toBeVisible();
  await isSaved(page);
  await page.reload();
  await expect(page.getByRole('row').filter({ hasText: 'спам' })).toHaveCount(1);
});

test('a site in the archive says so after Back, and comes back', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'archive.example')}/calling`);
  const bar = page.getByRole('region', { name: 'Черновик' });
  await expect(bar).toBeVisible();
  await page.getByRole('button', { name: 'Убрать в архив' }).click();
  await page.getByRole('textbox', { name: 'Адрес сайта' }).fill('archive.example');
  await page.getByRole('dialog').getByRole('button', { name: 'Убрать в архив' }).click();
  await page.waitForURL(/\/sites$/);
  await page.goBack();
  await expect(page.getByText('Этот сайт в архиве')).toBeVisible();
  await expect(bar).toHaveCount(0);
  await page.getByRole('main').getByRole('button', { name: 'Вернуть', exact: true }).click();
  await expect(bar).toBeVisible();
});

test('an invitation that cannot be sent anew is said', async ({ page }) => {
  const { number } = await enter(page);
  const invitations = `/api/v1/customers/${number}/invitations`;
  await page.request.post(invitations, { data: { email: 'anna@romashka.example', role: 'manager' } });
  await page.goto(`/c/${number}/team`);
  await page.getByRole('button', { name: 'Отозвать' }).click();
  const refused = { status: 422, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problems/too-many-invitations' }) };
  await page.route(`**${invitations}`, (route) => route.fulfill(refused));
  await page.getByRole('button', { name: 'Пригласить снова' }).click();
  await expect(page.getByText('Много приглашений ждут ответа. Отзовите лишние.').first()).toBeVisible();
});

test('the open site stays open, and the pages of another are found', async ({ page }) => {
  const { number } = await enter(page);
  await addSite(page, number, 'sofas.example');
  const second = await addSite(page, number, 'okna.example');
  await page.goto(`${second}/schedule`);
  const side = page.getByRole('complementary', { name: 'Кабинет' });
  await page.getByRole('link', { name: 'Команда' }).first().click();
  await page.reload();
  await expect(side).toContainText('okna.example');
  await page.getByRole('button', { name: 'Найти' }).click();
  const search = page.getByRole('combobox', { name: 'Поиск и команды' });
  await expect(page.getByRole('option', { name: 'График' })).toHaveText(/okna\.example/);
  await search.fill('sofas.example');
  await page.getByRole('option', { name: 'График' }).click();
  await expect(side).toContainText('sofas.example');
  await expect(page).toHaveURL(/schedule/);
});

test('where the rail is narrow, the company and its number are in a menu', async ({ page }) => {
  const { number } = await enter(page);
  await page.setViewportSize({ width: 800, height: 900 });
  await page.getByRole('button', { name: `Ромашка, ID ${number}` }).click();
  await expect(page.getByRole('menuitem', { name: `Скопировать ${number}` })).toBeVisible();
  await accessible(page, 'the menu of the company');
});

test('a long name breaks, and the page stays as wide as the window', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'long.example')}/calling`);
  await addManager(page, 'Ш'.repeat(64), MARINA);
  await addManager(page, 'Щ'.repeat(64), ANNA);
  await isSaved(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(page.getByRole('heading', { name: /^Если не возьмёт Ш/ })).toBeVisible();
  await fits(page, 'calls');
  await page.getByRole('button', { name: 'Ш'.repeat(64), exact: true }).click();
  expect(await page.getByRole('dialog').evaluate((one) => one.scrollWidth - one.clientWidth), 'the drawer').toBe(0);
});

test('who is told of missed calls is published, of a company and of a site; a test letter shows in the delivery', async ({ page }) => {
  const { number } = await enter(page);
  const site = await addSite(page, number, 'notices.example');
  await page.goto(`/c/${number}/notices`);
  await expect(page.getByText('Пока ничего не отправляли.')).toBeVisible();
  const email = page.getByRole('textbox', { name: 'Почта' });
  await email.fill('Zayavki@romashka.example');
  await page.getByRole('button', { name: 'Добавить' }).click();
  await email.fill('zayavki@romashka.example');
  await page.getByRole('button', { name: 'Добавить' }).click();
  await expect(page.getByText('Уже есть: zayavki@romashka.example.')).toBeVisible();
  await page.getByRole('switch', { name: 'Одно письмо в день' }).click();
  await isSaved(page);
  await accessible(page, 'notices that are being written');
  await page.getByRole('button', { name: 'Опубликовать' }).click();
  await expect(page.getByRole('dialog')).toContainText('zayavki@romashka.example');
  await page.getByRole('dialog').getByRole('button', { name: 'Опубликовать' }).click();
  await expect(page.getByRole('region', { name: 'Черновик' })).toHaveCount(0);

  await page.getByRole('button', { name: 'Пришлите мне пробное' }).click();
  const delivery = page.getByRole('region', { name: 'Доставка' });
  await expect(delivery.getByRole('listitem')).toContainText(['Пробное письмо']);
  // Practice mails nothing: the letter waits in the outbox.
  await expect(delivery).toContainText('ждёт');

  await page.goto(`${site}/notices`);
  await expect(page.getByRole('main')).toContainText('zayavki@romashka.example');
  await page.getByRole('button', { name: 'Задать свои адреса' }).click();
  await page.getByRole('button', { name: 'Убрать zayavki@romashka.example' }).click();
  await isSaved(page);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Убрать zayavki@romashka.example' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Взять общий список' }).click();
  await expect(page.getByRole('main')).toContainText('zayavki@romashka.example');
});

test('what is no number is said at its field, and holds no other field up', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'numbers.example')}/calling`);
  const promise = page.getByRole('textbox', { name: /Обещаем за/ });
  for (const [typed, told] of [['29,5', 'Здесь нужно целое число.'], ['', 'Здесь нужно целое число.'], ['89165550147', 'От 5 до 600.'], ['99999999999999999999', 'От 5 до 600.'], ['601', 'От 5 до 600.']] as const) {
    await promise.fill(typed);
    await promise.blur();
    await expect(page.locator('[data-field=promise_seconds] .err')).toHaveText(told);
    await expect(promise).toHaveAttribute('aria-invalid', 'true');
  }
  const saved = page.waitForResponse((answer) => answer.request().method() === 'PATCH' && answer.ok());
  await siteName(page).fill('Числа');
  await saved;
  await page.reload();
  await expect(siteName(page)).toHaveValue('Числа');
});

test('a number far beyond its limits is drawn, and can be mended', async ({ page }) => {
  const { number } = await enter(page);
  const site = await addSite(page, number, 'far.example');
  const draft = `/api/v1/sites/${site.split('/').pop()}/draft`;
  const manager = { name: 'Анна', address: ANNA, extension: null, extension_delay_s: 2, accept_key: 'auto', on: true, hours: null };
  await page.request.patch(draft, { data: { revision: 0, set: { promise_seconds: 10_000_000, delay_to_visitor_s: 10_000_000, managers: [manager] } } });
  await page.goto(`${site}/calling`);
  const promise = page.getByRole('textbox', { name: /Обещаем за/ });
  await promise.fill('29');
  await expect(page.locator('[data-field=promise_seconds] .err')).toHaveCount(0);
});

test('one number has several extensions, wherever they are written', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'ext.example')}/calling`);
  for (const [name, phone] of [['Анна', '8 495 123-45-67 доб. 101'], ['Борис', '+7 495 123-45-67, доб 102']] as const) {
    await addManager(page, name, phone);
    await expect(page.getByText(`доб. ${phone.slice(-3)}`)).toBeVisible();
  }
  await isSaved(page);
});

test('what was typed about a number is not lost by a slip', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'slip.example')}/calling`);
  await page.locator('[data-add-manager]').first().click();
  await page.getByRole('textbox', { name: 'Имя' }).fill('Ольга');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Вернуться к нему' }).click();
  await expect(page.getByRole('textbox', { name: 'Имя' })).toHaveValue('Ольга');
});

test('what was typed about one number is its own, however its drawer was left', async ({ page }) => {
  const { number } = await enter(page);
  await page.goto(`${await addSite(page, number, 'back.example')}/calling`);
  await addManager(page, 'Анна', ANNA);
  await addManager(page, 'Марина', MARINA);
  await isSaved(page);
  const name = page.getByRole('textbox', { name: 'Имя' });
  await page.getByRole('button', { name: 'Анна', exact: true }).click();
  await name.fill('Анна Белова');
  await page.goBack();
  await expect(page.getByRole('button', { name: 'Вернуться к нему' })).toBeVisible();
  await page.getByRole('button', { name: 'Марина', exact: true }).click();
  await expect(name).toHaveValue('Марина');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Анна', exact: true }).click();
  await expect(name).toHaveValue('Анна Белова');
  await expect(page.getByText('Вы начали это раньше и не сохранили.')).toBeVisible();
  await page.getByRole('button', { name: 'Начать заново' }).click();
  await expect(name).toHaveValue('Анна');
  await page.getByRole('textbox', { name: 'Номер или SIP-адрес' }).fill('8 495 555-01-09');
  await page.getByRole('button', { name: 'Готово' }).click();
  await expect(page.getByText('8 495 555-01-09')).toBeVisible();
  await expect(page.getByText('Такого номера в списке нет.'), 'its old address names nobody, and nobody asks').toHaveCount(0);
  await page.goto(`${new URL(page.url()).pathname}?number=74950000000`);
  await expect(page.getByText('Такого номера в списке нет.').first()).toBeVisible();
  await expect(page).toHaveURL(/calling$/);
});

test('a number has an address of its own, and Back closes it', async ({ page }) => {
  const { number } = await enter(page);
  const site = await addSite(page, number, 'own.example');
  await page.goto(`${site}/calling`);
  await addManager(page, 'Анна', ANNA);
  await isSaved(page);
  await page.getByRole('button', { name: 'Анна', exact: true }).click();
  await expect(page).toHaveURL(/number=74955550102/);
  const name = page.getByRole('textbox', { name: 'Имя' });
  await expect(name).toHaveValue('Анна');
  await page.goBack();
  await expect(name).toHaveCount(0);
  await page.goto(`${site}/calling?number=74955550102`);
  await expect(name).toHaveValue('Анна');
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/calling$/);
});

test('an office has an address of its own', async ({ page }) => {
  const { number } = await enter(page);
  const site = await addSite(page, number, 'office.example');
  const office = (name: string) => ({ name, time_zone: null, schedule: null, managers: [] });
  await page.request.patch(`/api/v1/sites/${site.split('/').pop()}/draft`, { data: { revision: 0, set: { offices: [office('Москва'), office('Казань')] } } });
  await page.goto(`${site}/offices?office=${encodeURIComponent('Казань')}`);
  const link = page.getByRole('link', { name: 'Казань' });
  await expect(link).toBeFocused();
  const name = page.getByRole('textbox', { name: 'Название' }).nth(1);
  await name.fill('Казан');
  await name.fill('Казань');
  await expect(name, 'a name that is being typed keeps the focus').toBeFocused();
});

test.describe('with a finger', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test('managers are put into another order', async ({ page }) => {
    const { number } = await enter(page);
    await page.goto(`${await addSite(page, number, 'finger.example')}/calling`);
    await addManager(page, 'Анна', ANNA);
    await addManager(page, 'Марина', MARINA);
    const [first, second] = [page.locator('.mg').nth(0), page.locator('.mg').nth(1)];
    // What is told of both numbers is there, and nothing moves any more.
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.waitForLoadState('networkidle');
    await second.locator('.h').hover({ trial: true });
    await first.locator('.h').hover({ trial: true });
    const [from, to] = [await first.locator('.h').boundingBox(), await second.boundingBox()];
    expect(Math.min(from?.width ?? 0, from?.height ?? 0), 'large enough for a finger').toBeGreaterThanOrEqual(44);
    const touch = await page.context().newCDPSession(page);
    const x = (from?.x ?? 0) + 22;
    const put = (type: 'touchStart' | 'touchMove' | 'touchEnd', y?: number) => touch.send('Input.dispatchTouchEvent', { type, touchPoints: y === undefined ? [] : [{ x, y }] });
    const [begin, end] = [(from?.y ?? 0) + 22, (to?.y ?? 0) + (to?.height ?? 0) - 4];
    await put('touchStart', begin);
    for (let step = 1; step <= 8; step += 1) await put('touchMove', begin + ((end - begin) * step) / 8);
    await put('touchEnd');
    await expect(first).toContainText('Марина');
  });
});
