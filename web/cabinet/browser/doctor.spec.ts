// What stands in the widget's way on a site's page is told to the site's owner, with its cure, and is over when it is right.

import { ANNA, addSite, expect, register, test } from './cabinet';

// Pages that forbid, on purpose.
test.use({ provoked: [/Content Security Policy|Failed to fetch dynamically|Refused to|violates/] });

test('a policy that forbids the dialog is told of, and how it is mended', async ({ page, context }) => {
  const { number } = await register(page);
  const site = await addSite(page, number);
  const key = site.split('/').pop() ?? '';
  const own = new URL(page.url()).origin;
  const manager = { name: 'Анна', address: ANNA, extension: null, extension_delay_s: 0, accept_key: 'auto', on: true, hours: null };
  const asked = await page.request.patch(`/api/v1/sites/${key}/draft`, { data: { revision: 0, set: { managers: [manager] } } });
  const { revision } = (await asked.json()) as { revision: number };
  expect((await page.request.post(`/api/v1/sites/${key}/publish`, { data: { revision } })).ok()).toBe(true);

  /** A page of the service's own address, for that is the site's too; of whatever policy. */
  const visitor = await context.newPage();
  await visitor.addInitScript(() => {
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function open(how) {
      return attach.call(this, { ...how, mode: 'open' });
    };
  });
  const visit = async (policy: string, lines = 1): Promise<void> => {
    const line = `<script async src="/w/${key}.js"></script>`.repeat(lines);
    await visitor.unrouteAll();
    await visitor.route('**/foreign/**', (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', headers: policy ? { 'content-security-policy': policy } : {}, body: `<!doctype html><html lang="ru"><title>Чужая</title><body><h1>Чужая</h1>${line}</body></html>` }));
    await visitor.goto(`${own}/foreign/page`);
  };
  const installation = `${site}/installation`;
  const check = page.getByRole('region', { name: 'Проверка' });
  /** What the check finds at last: pages tell it when they are idle. */
  const finds = async (text: string): Promise<void> => {
    await expect(async () => {
      await page.goto(installation);
      await expect(check.getByText(text)).toBeVisible({ timeout: 4_000 });
    }).toPass();
  };

  await page.goto(installation);
  await expect(check).toBeVisible();
  await expect(check.getByText('Политика страницы')).toHaveCount(0);

  // A nonce would be good for what the script imports as well: this policy names the one file alone.
  await visit(`script-src ${own}/w/${key}.js; connect-src 'self'`);
  await finds('Политика страницы (CSP) не пускает окно');
  await expect(check.getByText(`script-src ${own}`)).toBeVisible();

  await visit("script-src 'self'; connect-src 'none'");
  await visitor.getByRole('button', { name: 'Перезвоните мне' }).click();
  await finds('Политика страницы (CSP) не пускает заявки');
  await expect(check.getByText(`connect-src ${own}`)).toBeVisible();

  await visit('', 2);
  await finds('Строка стоит на странице дважды');

  // A dialog that is taken up says that it can ask.
  await visit('');
  await visitor.getByRole('button', { name: 'Перезвоните мне' }).click();
  await visitor.getByRole('dialog').getByLabel('Ваш телефон').fill('8 916');
  await expect(async () => {
    await page.goto(installation);
    await expect(check.getByText('Строка стоит на странице дважды')).toBeVisible({ timeout: 4_000 });
    await expect(check.getByText('не пускает заявки')).toHaveCount(0, { timeout: 4_000 });
  }).toPass();
});
