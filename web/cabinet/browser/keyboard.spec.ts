// From registration to one's own first call by keyboard alone: every stop of Tab has a ring and can be seen.

import { expect, test, type Hand } from './cabinet';
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
