// Which site the shell shows, and which of its pages have a draft.

import type { SiteBody, SiteSummary } from '../lib/api/types';
import { draftPath } from '../lib/api';
import { company } from '../lib/company.svelte';
import { draftAt } from '../lib/draft.svelte';
import { pageOf } from '../lib/fields';
import { router } from '../lib/router.svelte';
import type { SitePage } from '../lib/routes';

/** Under which key of the tab's storage it stands; a browser that keeps nothing forgets it with the page. */
const LAST = 'site';

let last = $state(kept());

/** The site of the address, archived or not; else the one that was open last, else the first. */
export function openSite(): SiteSummary | undefined {
  return company.site(router.place.params.site ?? '') ?? company.sites.find((site) => site.key === last) ?? company.sites[0];
}

export function remember(key: string): void {
  last = key;
  try {
    sessionStorage.setItem(LAST, key);
  } catch {
    // The storage is full or shut.
  }
}

function kept(): string {
  try {
    return sessionStorage.getItem(LAST) ?? '';
  } catch {
    return '';
  }
}

/** Pages of a site whose draft differs from what is published. */
export function touched(key: string): Set<SitePage> {
  const draft = draftAt<SiteBody>(draftPath.site(key));
  return new Set(draft.changes.map((change) => pageOf(change.field)));
}
