// The draft of the company in the address.

import { draftPath } from '../../lib/api';
import type { CompanyBody } from '../../lib/api/types';
import { draftAt, type Draft } from '../../lib/draft.svelte';
import { router } from '../../lib/router.svelte';

export const companyDraft = (): Draft<CompanyBody> => draftAt<CompanyBody>(draftPath.company(router.shown.params.c ?? ''));
