// What is done about a call, and said.

import { api } from '../../lib/api';
import type { CallRow } from '../../lib/api/types';
import { company } from '../../lib/company.svelte';
import { t } from '../../lib/i18n/index.svelte';
import { pretty } from '../../lib/phone';
import { router } from '../../lib/router.svelte';
import { toasts } from '../../lib/toast.svelte';

export async function callAgain(call: CallRow): Promise<void> {
  await api.callAgain(call.id);
  toasts.say(t('call.again.said', { phone: pretty(call.phone) }), { label: t('call.again.watch'), run: () => router.go(`/c/${company.now?.number}/live`) });
}

export async function markCalledBack(call: CallRow, is: boolean): Promise<void> {
  await api.calledBack(call.id, is);
  if (is) toasts.say(t('call.back.said', { phone: pretty(call.phone) }));
}
