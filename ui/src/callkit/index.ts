// The phone as the interface sees it: one function per command, and `on` for what happens once.

import { phone } from './connection';
import type { Unsubscribe } from './transport';
import type {
  AcceptParams,
  AccountView,
  CallParams,
  CallSession,
  CallStats,
  ContactPatch,
  ContactView,
  Group,
  GroupParams,
  ExportFormat,
  HistoryQuery,
  ImportReport,
  LoginParams,
  Media,
  Meters,
  PealError,
  PhoneView,
  Profile,
  ProfilePatch,
  PublishedStream,
  PublishStreamParams,
  RecordView,
  SafetyNumber,
  SettingsPatch,
  Ticket,
  VideoSource,
  VideoSources,
} from './types';

export type * from './types';
export type { Handler } from './connection';
export type { Commands, Transport, Unsubscribe } from './transport';
export { connectTo, off, on } from './connection';

const ask = () => phone().commands;

// The session

/** Logs in; all absent: as last time, or at the embedded broker. */
export const login = (params: LoginParams = {}): Promise<AccountView> => ask().login(params);
export const logout = (): Promise<unknown> => ask().logout();
/** Who is logged in, if anybody. */
export const currentUser = (): Promise<AccountView | null> => ask().currentUser();
/** The whole phone now: listen with `onView` first. */
export const snapshot = (): Promise<PhoneView> => ask().snapshot();

// Calls

/** Calls one person or several, by voice unless `media` says otherwise. */
export const call = (to: string[], params: Omit<CallParams, 'to'> = {}): Promise<CallSession> =>
  ask().call({ ...params, to });
/** Invites more people into a running call. */
export const invite = (callId: string, to: string[], message: string | null = null): Promise<unknown> =>
  ask().invite({ call_id: callId, to, message });
/** Answers; the calls that run meanwhile are held, or left if `meanwhile` is `end`. */
export const accept = (callId: string, params: Omit<AcceptParams, 'call_id'> = {}): Promise<unknown> =>
  ask().accept({ ...params, call_id: callId });
/** Declines, with words if wished; `busy`: the caller hears that I am in a call. */
export const reject = (callId: string, message: string | null = null, busy = false): Promise<unknown> =>
  ask().reject({ call_id: callId, message, busy });
/** Withdraws a call before it connects; without `record` the callee's history is not told. */
export const cancel = (callId: string, record = true): Promise<unknown> =>
  ask().cancel({ call_id: callId, record });
/** Leaves a call; the others go on. */
export const leave = (callId: string): Promise<unknown> => ask().leave(callId);
/** Ends a call for all if I began it, else leaves it; or withdraws it before it connects. */
export const hangup = (callId: string): Promise<unknown> => ask().hangup(callId);
/** Leaves the screen of a call that has ended. */
export const dismiss = (callId: string): Promise<unknown> => ask().dismiss(callId);
export const hold = (callId: string): Promise<unknown> => ask().hold(callId);
/** Takes a call back; the others are held. */
export const resume = (callId: string): Promise<unknown> => ask().resume(callId);
/** Audio becomes video, or back. */
export const switchMedia = (callId: string, media: Media): Promise<unknown> =>
  ask().switchMedia({ call_id: callId, media });
/** Answers the other side's wish to switch. */
export const answerSwitch = (callId: string, accept: boolean): Promise<unknown> =>
  ask().answerSwitch({ call_id: callId, accept });
/** Hands a call over: to an account that is called now, or to the other one of a second call. */
export const transfer = (callId: string, target: { to: string } | { to_call_id: string }): Promise<unknown> =>
  ask().transfer({ ...target, call_id: callId });
/** Brings the people of one call into another. */
export const merge = (callId: string, into: string): Promise<unknown> =>
  ask().merge({ call_id: callId, into });
/** Counters of a call's media path with somebody, or with the first one. */
export const callStats = (callId: string, userId: string | null = null): Promise<CallStats> =>
  ask().callStats({ call_id: callId, user_id: userId });

// Sound

export const setMuted = (muted: boolean): Promise<unknown> => ask().setMuted(muted);
export const isMuted = (): Promise<boolean> => ask().isMuted();
export const setSpeakerEnabled = (enabled: boolean): Promise<unknown> => ask().setSpeakerEnabled(enabled);
export const isSpeakerEnabled = (): Promise<boolean> => ask().isSpeakerEnabled();
/** How loud somebody is played, -40 to 12 dB. */
export const setVolume = (userId: string, db: number): Promise<unknown> =>
  ask().setVolume({ user_id: userId, db });
/** Warms the sound devices up before a call. */
export const initEngine = (): Promise<unknown> => ask().initEngine();
/** Closes every sound device. */
export const releaseEngine = (): Promise<unknown> => ask().releaseEngine();
export const meters = (): Promise<Meters> => ask().meters();

// Pictures

/** My picture on, from `source` or as before; while it is on: from there instead. */
export const openCamera = (source: VideoSource | null = null): Promise<unknown> =>
  ask().openCamera({ source });
/** My picture off: the camera’s light goes out. */
export const closeCamera = (): Promise<unknown> => ask().closeCamera();
/** The cameras, screens and windows that are there. */
export const videoSources = (): Promise<VideoSources> => ask().videoSources();
/** My voice and picture to a media server (WHIP), from where the others play them; answers when they flow. */
export const publishStream = (params: PublishStreamParams): Promise<PublishedStream> =>
  ask().publishStream(params);
/** No more to the media server. */
export const stopPublishing = (): Promise<unknown> => ask().stopPublishing();
/** A ticket for one look at a picture; nothing: this phone shows none. */
export const pictureDoor = (): Promise<Ticket | null> => ask().pictureDoor();

// Settings and my own profile

/** How long a call rings, 1000 to 120000 ms. */
export const setCallTimeout = (ms: number): Promise<unknown> => ask().setCallTimeout(ms);
/** Changes settings; what is absent stays. */
export const setSettings = (patch: SettingsPatch): Promise<unknown> => ask().setSettings(patch);
/** Changes what others see of me; what is absent stays, what is empty goes. */
export const setProfile = (patch: ProfilePatch): Promise<Profile> => ask().setProfile(patch);

// People

export const addContact = (userId: string): Promise<unknown> => ask().addContact(userId);
/** Changes what I keep about somebody; what is absent stays, what is empty goes. */
export const setContact = (userId: string, patch: Omit<ContactPatch, 'user_id'>): Promise<unknown> =>
  ask().setContact({ ...patch, user_id: userId });
export const removeContact = (userId: string): Promise<unknown> => ask().removeContact(userId);
/** Makes a group, or changes the one of that id. */
export const setGroup = (params: GroupParams): Promise<Group> => ask().setGroup(params);
export const removeGroup = (groupId: string): Promise<unknown> => ask().removeGroup(groupId);
/** A picture as a `data:` URL, by the name that a view gives it; nothing if it is not there (any more). */
export const avatar = (avatarId: string): Promise<string | null> => ask().avatar(avatarId);
/** Contacts in whose names, accounts or notes every word is found. */
export const searchContacts = (query: string): Promise<ContactView[]> => ask().searchContacts(query);
/** All contacts as the text of a vCard file. */
export const exportContacts = async (): Promise<string> => (await ask().exportContacts()).vcard;
/** Adds contacts from the text of a vCard file. */
export const importContacts = (vcard: string): Promise<ImportReport> => ask().importContacts(vcard);
/** The safety number of each of somebody's devices. */
export const safetyNumber = (userId: string): Promise<SafetyNumber[]> => ask().safetyNumber(userId);
/** Remembers that a safety number was compared, or takes that back. */
export const setVerified = (userId: string, deviceId: string, verified: boolean): Promise<unknown> =>
  ask().setVerified(userId, deviceId, verified);
/** Trusts a device's new key. */
export const trustKey = (userId: string, deviceId: string): Promise<unknown> =>
  ask().trustKey(userId, deviceId);

// The history

/** Lines of the history, newest first; at most 100 unless `limit` says otherwise. */
export const searchHistory = (query: HistoryQuery = {}): Promise<RecordView[]> => ask().searchHistory(query);
/** Deletes these lines; without any: all. */
export const deleteRecords = (callIds: string[] | null = null): Promise<unknown> =>
  ask().deleteRecords(callIds);
/** The whole history as the text of a file. */
export const exportHistory = async (format: ExportFormat): Promise<string> =>
  (await ask().exportHistory(format)).text;
export const markHistorySeen = (): Promise<unknown> => ask().markHistorySeen();

// Windows

/** Shows the main window and gives it the keyboard. */
export const openMain = (): Promise<unknown> => ask().openMain();
/** The call in a small window above all others. */
export const openPictureInPicture = (): Promise<unknown> => ask().openPictureInPicture();
/** Without the small window again. */
export const closePictureInPicture = (): Promise<unknown> => ask().closePictureInPicture();
/** The main window takes the whole screen, or its own place again. */
export const setFullScreen = (on: boolean): Promise<unknown> => ask().setFullScreen(on);
/** What the incoming-call window has drawn: a call’s card, so tall in CSS pixels, with which it appears; or nothing, with
    which it goes. */
export const incomingDrawn = (callId: string | null, height: number): Promise<unknown> =>
  ask().incomingDrawn(callId, height);
/** Asks where to keep a text, and writes it there; false: the person thought better of it. */
export const saveFile = (name: string, text: string): Promise<boolean> => ask().saveFile(name, text);

/** Each snapshot as it is made; resolves once the listener is in place. */
export const onView = (handler: (view: PhoneView) => void): Promise<Unsubscribe> => phone().onView(handler);
/** The label of the window this runs in: `main`, `incoming` or `picture-in-picture`. */
export const windowLabel = (): string => phone().windowLabel();

/** Whatever a command rejected with, as a `PealError`. */
export function asPealError(thrown: unknown): PealError {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
    return thrown as PealError;
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown), hint: '' };
}
