// From registration to one's own first call by keyboard alone: every stop of Tab has a ring and can be seen.

import { expect, lookAround, test, type Hand } from './cabinet';
import type { Locator } from '@playwright/test';
import { firstCall } from './walk';

/** Stops of Tab between two things that somebody does one after the other. */
const MOST_STOPS = 60;

const keyboard: Hand = {
  async press(goal) {
    await reach(goal);
    await goal.page().keyboard.press('Enter');
  },
  async write(goal, text) {
    await reach(goal);
    await goal.page().keyboard.press('ControlOrMeta+A');
    await goal.page().keyboard.type(text);
  },
};

test('the way to the first call needs no pointer, and the focus is never out of sight', async ({ page }) => {
  test.slow();
  await firstCall(page, keyboard);
});

test('the reason of a failure is found, and its visitor called again, without a pointer', async ({ page }) => {
  test.slow();
  const company = await lookAround(page);
  await page.goto(`${company}/calls`);
  await keyboard.press(page.getByRole('button', { name: 'Фильтр' }));
  const item = page.getByRole('menuitemradio', { name: 'Клиент не взял трубку' });
  await expect(item).toBeVisible();
  while (!(await item.and(page.locator(':focus')).count())) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/status=visitor_no_answer/);
  const call = page.locator('[data-call]').first();
  await keyboard.press(call);
  const drawer = page.getByRole('dialog');
  await keyboard.write(drawer.getByRole('textbox', { name: 'Заметка' }), 'после обеда');
  await keyboard.press(drawer.getByRole('button', { name: 'Уже перезвонили' }));
  await expect(drawer.getByText('Ещё не перезвонили')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(drawer).toHaveCount(0);
  await expect(call, 'whence the drawer was opened').toBeFocused();
  await page.goto(`${company}/analysis`);
  await keyboard.press(page.getByRole('button', { name: /^Google, поиск/ }));
  await expect(page).toHaveURL(/kind=search&source=Google/);
  await page.goto(`${company}/overview`);
  await keyboard.press(page.getByRole('button', { name: 'Перезвонить', exact: true }).first());
  await expect(page.getByText(/^Звоним: /).first()).toBeVisible();
});

/** Presses Tab until the goal has the focus. */
async function reach(goal: Locator): Promise<void> {
  const page = goal.page();
  await expect(goal).toBeEnabled();
  const reached = goal.and(page.locator(':focus'));
  for (let stops = 0; stops < MOST_STOPS && (await reached.count()) === 0; stops += 1) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(flaw), 'of a stop').toBeNull();
  }
  await expect(reached).toHaveCount(1);
  expect(await page.evaluate(flaw), 'of the goal').toBeNull();
}

/** In the page: what keeps the eye from the element that has the focus. */
function flaw(): string | null {
  const focused = document.activeElement;
  // Between the last stop and the first the focus is in the browser's own bar.
  if (!focused || focused === document.body) return null;
  // A control that is hidden shows its focus on its label.
  const shown = [focused, focused.closest('label')].find((one) => one && getComputedStyle(one).outlineStyle !== 'none');
  const name = `<${focused.localName}> ${focused.getAttribute('aria-label') ?? focused.textContent.trim().slice(0, 40)}`;
  if (!shown || parseFloat(getComputedStyle(shown).outlineWidth) < 2) return `${name} has no ring`;
  const [box] = shown.getClientRects();
  if (!box || box.top < 0 || box.left < 0 || box.bottom > innerHeight || box.right > innerWidth) return `${name} is outside the window`;
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return shown.contains(top) ? null : `${name} is behind <${top?.localName} class="${top?.className}">`;
}
