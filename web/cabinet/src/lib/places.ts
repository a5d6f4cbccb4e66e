// Countries, and where somebody may be, in words.

import type { CallRow, Place } from './api/types';
import { language } from './i18n/index.svelte';

/** A country by its letters. */
export const country = (code: string): string => new Intl.DisplayNames([language()], { type: 'region' }).of(code) ?? code;

/** A region as it is counted: a country where no more is known. */
export const region = (counted: string): string => (/^[A-Z]{2}$/.test(counted) ? country(counted) : counted);

/** The nearest that is known of a visitor: «Екатеринбург». The mere country of his number is not worth a line. */
export const near = ({ place, by_number: home }: CallRow): string | null => (place ? (place.city ?? place.region ?? country(place.country)) : (home?.region ?? null));

/** All that is known of it: «Екатеринбург, Свердловская обл., Россия». */
export const whole = (place: Place): string => [place.city, place.region, country(place.country)].filter(Boolean).join(', ');
