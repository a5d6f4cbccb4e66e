import { calls } from './call.ts';
import words from './ru.call.ts';

export { grouped } from './grouped.ts';
export const show = calls(words);
