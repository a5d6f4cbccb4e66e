import { expect, it } from 'vitest';
import { came } from './came.ts';

const isOwn = (host: string): boolean => host === 'shop.example';

it.each([
  ['https://shop.example/', '', 'direct', undefined],
  ['https://shop.example/', 'https://www.google.com/', 'search', undefined],
  ['https://shop.example/', 'https://yandex.ru/search?text=окна', 'search', 'окна'],
  ['https://shop.example/', 'https://mail.google.com/', 'email', undefined],
  ['https://shop.example/?yclid=1&utm_term=купить+окна', 'https://yandex.ru/', 'ad', 'купить окна'],
  ['https://shop.example/?ysclid=1', '', 'search', undefined],
  ['https://shop.example/?fbclid=1', 'https://l.facebook.com/', 'social', undefined],
  ['https://shop.example/?utm_source=letter&utm_medium=email', '', 'email', undefined],
  ['https://shop.example/?utm_source=partner', '', 'referral', undefined],
  ['https://shop.example/', 'https://t.me/', 'messenger', undefined],
  ['https://shop.example/', 'https://vk.com/', 'social', undefined],
  ['https://shop.example/', 'https://chatgpt.com/', 'ai', undefined],
  ['https://shop.example/a', 'https://shop.example/b', 'internal', undefined],
  ['https://shop.example/', 'https://notgoogle.example/', 'referral', undefined],
])('%s after %s', (landing, referrer, source, keyword) => expect(came(landing, referrer, isOwn)).toEqual([source, keyword]));
