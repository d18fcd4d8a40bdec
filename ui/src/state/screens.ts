// Which screen a snapshot shows.

import type { CallView, ContactView, EndReason, PhoneView } from '../callkit';

/** The invite that rings here now, if any. */
export function ringingCall(view: PhoneView): CallView | undefined {
  return view.calls.find((call) => call.direction === 'incoming' && call.state === 'ringing');
}

/** The call that fills the main window: one that goes on, else one that has just ended. */
export function stageCall(view: PhoneView): CallView | undefined {
  const onStage = view.calls.filter((call) => !(call.direction === 'incoming' && call.state === 'ringing'));
  return onStage.find((call) => call.state !== 'ended') ?? onStage.findLast(isWorthShowing);
}

/** The contact of that account, if it is listed. */
export function contactOf(view: PhoneView, userId: string): ContactView | undefined {
  return view.contacts.find((contact) => contact.user_id === userId);
}

/** Whether a text can be an account: 1 to 64 of `A-Z a-z 0-9 . _ @` and `-`. */
export const isAccount = (text: string): boolean => /^[A-Za-z0-9._@-]{1,64}$/.test(text);

// A ring that ended without me needs no screen: the history has it.
const quietEnds: readonly EndReason[] = [
  'cancelled',
  'rejected',
  'busy',
  'no_response',
  'answered_elsewhere',
  'rejected_elsewhere',
];

function isWorthShowing(call: CallView): boolean {
  if (call.direction === 'outgoing' || call.connected_at !== null) return true;
  return call.reason === null || !quietEnds.includes(call.reason);
}
