// Which screen a snapshot shows.

import type {
  CallView,
  ContactView,
  EndReason,
  Group,
  MemberView,
  PhoneView,
  PictureLowered,
} from '../callkit';

/** A call holds so many people, me among them. */
export const MEMBER_LIMIT = 16;

const isRinging = (call: CallView): boolean => call.direction === 'incoming' && call.state === 'ringing';

/** The invite that rings in its own window, if any: neither a silent one nor one that is over. */
export function ringingCall(view: PhoneView): CallView | undefined {
  return view.calls.find((call) => isRinging(call) && call.alert !== 'silent');
}

/** Every invite that rings here, a silent one too. */
export const ringingCalls = (view: PhoneView): CallView[] => view.calls.filter(isRinging);

/** The call that fills the main window: one that goes on, else one on hold, else one that has just ended. */
export function stageCall(view: PhoneView): CallView | undefined {
  const running = runningCalls(view);
  return (
    running.find((call) => !call.on_hold) ??
    running.at(-1) ??
    view.calls.filter((call) => call.state === 'ended').findLast(isWorthShowing)
  );
}

/** My calls that go on or are tried, on hold or not. */
export const runningCalls = (view: PhoneView): CallView[] =>
  view.calls.filter((call) => !isRinging(call) && call.state !== 'ended');

/** Everyone who is in a call or may come yet. */
export const present = (call: CallView): MemberView[] =>
  call.members.filter((member) => member.state !== 'left');

/** A picture of theirs can be looked at now. */
export const pictureOf = (call: CallView, member: MemberView): boolean =>
  member.video && !member.on_hold && !call.on_hold && member.state !== 'left';

/** My own picture is there to be seen in a call. */
export const myPicture = (call: CallView, { video }: PhoneView): boolean =>
  call.media === 'video' && video.on && video.source !== null && !call.on_hold;

/** Somebody can be seen in it, be it me. */
export const hasPictures = (call: CallView, view: PhoneView): boolean =>
  call.connected_at !== null &&
  (myPicture(call, view) || call.members.some((member) => pictureOf(call, member)));

/** Why my picture reaches somebody smaller than they could see it: a weak line before a busy computer. */
export const loweredBy = (call: CallView): PictureLowered | null =>
  (['network', 'processor'] as const).find((why) =>
    present(call).some(({ my_picture_lowered }) => my_picture_lowered === why),
  ) ?? null;

/** Leaving it and ending it are two things: at least two others would go on without me. */
export const othersWouldStay = (call: CallView): boolean =>
  call.members.filter(({ state }) => state === 'joined' || state === 'connecting' || state === 'disconnected')
    .length > 1;

/** The contact of that account, if it is listed. */
export function contactOf(view: PhoneView, userId: string): ContactView | undefined {
  return view.contacts.find((contact) => contact.user_id === userId);
}

/** The saved group of that id. */
export function groupOf(view: PhoneView, groupId: string): Group | undefined {
  return view.groups.find((group) => group.group_id === groupId);
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
  'blocked',
];

function isWorthShowing(call: CallView): boolean {
  // Handed over: it goes on, without me.
  if (call.reason === 'transferred') return false;
  if (call.direction === 'outgoing' || call.connected_at !== null) return true;
  return call.reason === null || !quietEnds.includes(call.reason);
}
