// The draft on the site itself, by a link of its owner's: what visitors do not see, and nobody is called by.

import { ANNA, addSite, expect, prove, register, test } from './cabinet';

// An order that is refused, and a link that is over.
test.use({ provoked: [/\b(409|410)\b/] });

test('an owner tries his draft on his site', async ({ page, context }) => {
  const { number } = await register(page);
  const own = new URL(page.url()).origin;
  await prove(page, number, ANNA);
  const site = await addSite(page, number);
  const key = site.split('/').pop() ?? '';
  const manager = { name: 'Анна', address: ANNA, extension: null, extension_delay_s: 0, accept_key: 'auto', on: true, hours: null };
  const write = async (revision: number, set: object): Promise<number> => {
    const asked = await page.request.patch(`/api/v1/sites/${key}/draft`, { data: { revision, set } });
    return ((await asked.json()) as { revision: number }).revision;
  };
  const revision = await write(0, { managers: [manager] });
  expect((await page.request.post(`/api/v1/sites/${key}/publish`, { data: { revision } })).ok()).toBe(true);
  const { revision: now } = (await (await page.request.get(`/api/v1/sites/${key}/draft`)).json()) as { revision: number };
  await write(now, { button_label: 'Наберите нас', content: { title: 'Новый заголовок' } });

  await page.goto(`${site}/look`);
  await page.getByRole('button', { name: 'Получить ссылку' }).click();
  const link = await page.getByRole('dialog').getByRole('link', { name: 'Открыть сайт' }).getAttribute('href');
  const trial = link?.split('#').pop() ?? '';
  expect(link).toBe(`https://romashka.example/#${trial}`);

  const visitor = await context.newPage();
  await visitor.addInitScript(() => {
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function open(how) {
      return attach.call(this, { ...how, mode: 'open' });
    };
  });
  await visitor.route('**/foreign/**', (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body: `<!doctype html><html lang="ru"><title>Чужая</title><body><h1>Чужая</h1><script async src="/w/${key}.js"></script></body></html>` }));
  const told: string[] = [];
  visitor.on('request', (request) => {
    if (request.method() === 'POST') told.push(new URL(request.url()).pathname);
  });
  await visitor.goto(`${own}/foreign/page#${trial}`);
  await visitor.getByRole('button', { name: 'Черновик · Наберите нас' }).click();
  const dialog = visitor.getByRole('dialog');
  await expect(dialog.getByText('Новый заголовок')).toBeVisible();
  await dialog.getByLabel('Ваш телефон').fill('8 916 555-01-47');
  await visitor.keyboard.press('Enter');
  await expect(dialog.getByText('Это проба черновика: никому не звоним.')).toBeVisible();
  expect(told.filter((path) => !path.includes('/trial/')), 'nothing is told of visitors').toEqual([]);
  expect(await (await page.request.get(`/api/v1/sites/${key}/scenarios/shows`)).json()).toEqual({});

  // Visitors have what is published; so has whoever comes by a link that is over.
  await visitor.goto(`${own}/foreign/other`);
  await expect(visitor.getByRole('button', { name: 'Перезвоните мне' })).toBeVisible();
  await write(now + 1, { button_label: 'Снова' });
  await visitor.goto(`${own}/foreign/third#${trial}`);
  await expect(visitor.getByRole('button', { name: 'Перезвоните мне' })).toBeVisible();
});
