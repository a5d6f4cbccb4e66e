// From registration to one's own first call, as a newcomer does it.

import { devices } from '@playwright/test';
import { finger, fits, pointer, test } from './cabinet';
import { firstCall } from './walk';

test('registration, site, number, its proof, publishing, a call, and the call in the journal', async ({ page }) => {
  await firstCall(page, pointer);
});

test.describe('on a telephone', () => {
  const { viewport, isMobile, hasTouch, deviceScaleFactor } = devices['Pixel 7'];
  test.use({ viewport, isMobile, hasTouch, deviceScaleFactor });

  test('the same, with a finger', async ({ page }) => {
    await firstCall(page, finger);
    await fits(page, 'the list of sites');
  });
});
