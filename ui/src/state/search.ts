// Who matches what was typed.

import type { ContactView, Group } from '../callkit';

/** Every word in a name, the account, or the note; everyone matches nothing. */
export function matches(contact: ContactView, text: string): boolean {
  const { name, user_id, nickname, note_name, note_text } = contact;
  return holds([name, user_id, nickname, note_name, note_text], text);
}

/** Every word in its name. */
export const groupMatches = (group: Group, text: string): boolean => holds([group.name], text);

function holds(fields: string[], text: string): boolean {
  const lower = fields.map((field) => field.toLocaleLowerCase());
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => lower.some((field) => field.includes(word)));
}
