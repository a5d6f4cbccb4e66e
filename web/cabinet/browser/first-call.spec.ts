// From registration to one's own first call, as a newcomer does it.

import { pointer, test } from './cabinet';
import { firstCall } from './walk';

test('registration, site, number, its proof, publishing, a call, and the call in the journal', async ({ page }) => {
  await firstCall(page, pointer);
});
