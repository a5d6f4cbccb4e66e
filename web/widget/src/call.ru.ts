import { calls } from './call.ts';
import words from './ru.call.ts';

export const show = calls(words);
