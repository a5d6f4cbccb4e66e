// A visitor asks what is kept of him, and that it be erased: his number is typed, a file saved, and nothing is left of it.

import { readFile } from 'node:fs/promises';
import { ANNA, accessible, addSite, expect, prove, register, test } from './cabinet';

test('a visitor is found, given out and erased', async ({ page }) => {
  const { number } = await register(page);
  const own = new URL(page.url()).origin;
  await prove(page, number, ANNA);
  const key = (await addSite(page, number)).split('/').pop() ?? '';
  const manager = { name: 'Анна', address: ANNA, extension: null, extension_delay_s: 0, accept_key: 'auto', on: true, hours: null };
  const asked = await page.request.patch(`/api/v1/sites/${key}/draft`, { data: { revision: 0, set: { managers: [manager] } } });
  const { revision } = (await asked.json()) as { revision: number };
  expect((await page.request.post(`/api/v1/sites/${key}/publish`, { data: { revision } })).ok()).toBe(true);
  // For later: nobody is called yet, and erasing cancels it.
  const order = { order_id: crypto.randomUUID(), phone: '8 916 555-01-47', country: 'RU', at: new Date(Date.now() + 20 * 3_600_000).toISOString(), visit: { page: 'https://romashka.example/?name=Иван' } };
  expect((await page.request.post(`/w/v1/${key}/orders`, { data: order, headers: { origin: own } })).status()).toBe(202);

  await page.goto(`/c/${number}/company`);
  await page.getByRole('link', { name: 'Данные посетителей' }).click();
  const one = page.getByRole('region', { name: 'Один посетитель' });
  await one.getByLabel('Номер телефона').fill('+7 (916) 555 01 47');
  await page.keyboard.press('Enter');
  await expect(one.getByText('1, из них с разговором 0')).toBeVisible();
  const [file] = await Promise.all([page.waitForEvent('download'), one.getByRole('button', { name: 'Сохранить всё в файл' }).click()]);
  expect(await readFile(await file.path(), 'utf8')).toContain('?name=Иван');
  await one.getByRole('button', { name: 'Стереть…' }).click();
  await accessible(page, 'before it is erased');
  await page.getByRole('dialog').getByRole('button', { name: 'Стереть навсегда' }).click();
  await expect(one.getByText(/О номере .* ничего нет/)).toBeVisible();
  await page.goto(`/c/${number}/calls`);
  await expect(page.getByRole('link', { name: 'номер стёрт' })).toBeVisible();

  await page.goto(`/c/${number}/company/visitors`);
  const keep = page.getByRole('region', { name: 'Срок хранения' });
  await keep.getByLabel('Забывать через, дней').fill('365');
  await keep.getByRole('button', { name: 'Сохранить' }).click();
  await expect(async () => {
    await page.reload();
    await expect(keep.getByText(/Последняя проверка .*: стирать было нечего/)).toBeVisible({ timeout: 2_000 });
  }).toPass();
});
