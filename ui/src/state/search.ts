// Who matches what was typed.

import type { ContactView, Group } from '../callkit';

const contains = (text: string | null, wanted: string): boolean =>
  text !== null && text.toLocaleLowerCase().includes(wanted);

/** By any name, by the account, or by the note; everyone matches nothing. */
export function matches(contact: ContactView, text: string): boolean {
  const wanted = text.trim().toLocaleLowerCase();
  const { name, user_id, nickname, note_name, note_text } = contact;
  return [name, user_id, nickname, note_name, note_text].some((field) => contains(field, wanted));
}

/** By its name. */
export const groupMatches = (group: Group, text: string): boolean =>
  contains(group.name, text.trim().toLocaleLowerCase());
