// What all settings of a page share: whether they may be changed by the reader, and as they are.

import { company } from '../company.svelte';
import { t } from '../i18n/index.svelte';
import { router } from '../router.svelte';
import { may } from '../session.svelte';

export const setting = {
  /** Why settings cannot be changed; none where they can. */
  locked(): string | undefined {
    if (company.now && !may(company.now.role, 'change')) return t('locked.role');
    return company.site(router.shown.params.site ?? '')?.archived_at ? t('locked.archived') : undefined;
  },
};
