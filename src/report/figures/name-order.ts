/**
 * Names in the order that readers expect: `10.2.0.9` before `10.2.0.11`. With one collator for all of them:
 * `localeCompare` with options makes one at each call, which takes twenty times as long as comparing.
 */
export const nameOrder: (a: string, b: string) => number = new Intl.Collator("en", { numeric: true }).compare;
