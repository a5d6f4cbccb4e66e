// The draft of the site in the address.

import { draftPath } from '../../lib/api';
import type { SiteBody } from '../../lib/api/types';
import { draftAt, type Draft } from '../../lib/draft.svelte';
import { router } from '../../lib/router.svelte';

export const siteDraft = (): Draft<SiteBody> => draftAt<SiteBody>(draftPath.site(router.shown.params.site ?? ''));
