import { calls } from './call.ts';
import words from './en.call.ts';

export const show = calls(words);
