// Where a visit came from, as far as rules ask: a short reading of what the service reads whole of the same addresses.

const KINDS: [kind: string, of: RegExp][] = [
  ['ad', /[?&](ym?clid|[gd]clid|[gw]braid|msclkid|t[tw]clid|rb_clickid|li_fat_id|rdt_cid|gad_source)=|medium=(cp|ppc|paid|banner|display|ads?\b|target|context|promo)/],
  ['email', /medium=(e?mail|newsletter)|\/\/(e?\.?mail|webmail|outlook)\./],
  ['ai', /\/\/(chatgpt|chat\.openai|claude|copilot|gemini|perplexity|alice\.yandex|giga)\b/],
  ['messenger', /medium=(messenger|telegram|tg|whatsapp|viber|sms)|\/\/(t\.me|web\.telegram|wa\.me|web\.whatsapp|viber)\b/],
  ['social', /medium=(social|smm)|[?&](fbclid|igshid?)=|\/\/([\w-]+\.)*(vk|ok|dzen|facebook|instagram|twitter|x|linkedin|pinterest|tiktok|youtube|reddit)\.\w+\//],
  ['search', /medium=(organic|seo|search)|[?&](ysclid|srsltid)=|\/\/(www\.)?(google|yandex|ya|bing|duckduckgo|rambler|baidu|ecosia|nova\.rambler|(\w+\.)?search\.yahoo|go\.mail|yahoo)\.[\w.]+\//],
];

/** The kind of source, and what was searched for, where that was passed. */
export function came(landing: string, referrer: string, isOwn: (host: string) => boolean): [source: string, keyword: string | undefined] {
  const marks = new URL(landing).search.toLowerCase();
  const page = URL.canParse(referrer) ? new URL(referrer) : null;
  const before = page && !isOwn(page.host) ? `//${page.host}/` : '';
  const known = KINDS.find(([, of]) => of.test(marks + before))?.[0];
  const term = new URLSearchParams(marks);
  const kind = known ?? (before || term.has('utm_source') ? 'referral' : page ? 'internal' : 'direct');
  return [kind, term.get('utm_term') ?? (kind === 'search' ? page?.searchParams.get('q') ?? page?.searchParams.get('text') ?? undefined : undefined)];
}
