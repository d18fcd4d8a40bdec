// What the interface says. One catalogue per language; a missing key fails the type check.

import { en } from './en';
import { zhCN } from './zh-CN';

export type { Said } from './types';
export type Words = typeof en;
export type Language = 'en' | 'zh-CN';

export const catalogues: Record<Language, Words> = { en, 'zh-CN': zhCN };

class Speech {
  /** The setting: a language, or `system`. */
  choice = $state('system');
  language: Language = $derived(spokenLanguage(this.choice, navigator.languages));
  /** For dates and numbers: the system's own variety of the language where it has one. */
  locale: string = $derived(localeFor(this.language, navigator.languages));
}

export const speech = new Speech();

/** The words of the language in use. */
export const say = (): Words => catalogues[speech.language];

/** The language that a setting means on a system that prefers these languages. */
export function spokenLanguage(choice: string, preferred: readonly string[]): Language {
  if (choice === 'en' || choice === 'zh-CN') return choice;
  const first = preferred.find((tag) => /^(en|zh)\b/i.test(tag));
  return first?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

/** The most particular locale of that language that the system prefers. */
export function localeFor(language: Language, preferred: readonly string[]): string {
  const base = language.split('-')[0] ?? language;
  return preferred.find((tag) => tag.toLowerCase().startsWith(`${base}-`)) ?? language;
}
