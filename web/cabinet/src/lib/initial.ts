// What stands for a name in a circle.

/** The first letter of a name, whole: half of an emoji is none. */
export const initial = (name: string): string => ([...name.trim()][0] ?? '').toUpperCase();
