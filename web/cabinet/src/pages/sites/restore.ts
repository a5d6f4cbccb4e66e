// Takes a site out of the archive, and says it where that is refused.

import { api } from '../../lib/api';
import { company } from '../../lib/company.svelte';
import { sentence } from '../../lib/problems';
import { toasts } from '../../lib/toast.svelte';

export async function restore(key: string): Promise<void> {
  try {
    await api.unarchive(key);
    await company.refresh();
  } catch (error) {
    toasts.say(sentence(error));
  }
}
