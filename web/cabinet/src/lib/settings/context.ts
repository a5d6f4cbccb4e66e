// What all settings of a page share: whether the reader may change them.

import { company } from '../company.svelte';
import { t } from '../i18n/index.svelte';
import { may } from '../session.svelte';

export const setting = {
  /** Why settings cannot be changed by this reader; none where they can. */
  locked: (): string | undefined => (company.now && !may(company.now.role, 'change') ? t('locked.role') : undefined),
};
