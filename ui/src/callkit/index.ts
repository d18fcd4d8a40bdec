// The phone as the interface sees it: one function per wish, and `on` for what happens once.

import { tauriTransport, type Transport, type Unsubscribe } from './transport';
import type {
  AccountView,
  CallParams,
  CallSession,
  EventData,
  EventName,
  LoginParams,
  Meters,
  PealError,
  PhoneEvent,
  PhoneView,
  ReasonedCall,
  SettingsPatch,
} from './types';

export type * from './types';
export type { Commands, Transport, Unsubscribe } from './transport';

let transport: Transport = tauriTransport;

/** Puts another phone behind these functions: a fake one, in tests and in the preview. */
export function connectTo(other: Transport): void {
  stopEvents?.();
  stopEvents = undefined;
  listening = undefined;
  handlers.clear();
  transport = other;
}

/** Logs in; all absent: as last time, or at the embedded broker. */
export const login = (params: Partial<LoginParams> = {}): Promise<AccountView> =>
  transport.commands.login({ account: null, token: null, server: null, display_name: null, ...params });
export const logout = (): Promise<unknown> => transport.commands.logout();
export const currentUser = (): Promise<AccountView | null> => transport.commands.currentUser();
export const snapshot = (): Promise<PhoneView> => transport.commands.snapshot();
export const meters = (): Promise<Meters> => transport.commands.meters();
/** Calls by voice. */
export const call = (to: string[], params: Partial<Omit<CallParams, 'to'>> = {}): Promise<CallSession> =>
  transport.commands.call({ media: 'audio', message: null, timeout_ms: null, ...params, to });
export const accept = (callId: string): Promise<unknown> => transport.commands.accept(callId);
export const reject = (callId: string, message: ReasonedCall['message'] = null): Promise<unknown> =>
  transport.commands.reject({ call_id: callId, message });
export const cancel = (callId: string): Promise<unknown> => transport.commands.cancel(callId);
/** Ends a call, or withdraws it before it connects. */
export const hangup = (callId: string): Promise<unknown> => transport.commands.hangup(callId);
/** Leaves the screen of a call that has ended. */
export const dismiss = (callId: string): Promise<unknown> => transport.commands.dismiss(callId);
export const setMuted = (muted: boolean): Promise<unknown> => transport.commands.setMuted(muted);
export const isMuted = (): Promise<boolean> => transport.commands.isMuted();
export const setSpeakerEnabled = (enabled: boolean): Promise<unknown> =>
  transport.commands.setSpeakerEnabled(enabled);
export const isSpeakerEnabled = (): Promise<boolean> => transport.commands.isSpeakerEnabled();
export const setCallTimeout = (ms: number): Promise<unknown> => transport.commands.setCallTimeout(ms);
/** Changes settings; what is absent stays. */
export const setSettings = (patch: Partial<SettingsPatch>): Promise<unknown> =>
  transport.commands.setSettings({ ...unchanged, ...patch });
export const markHistorySeen = (): Promise<unknown> => transport.commands.markHistorySeen();
/** Shows the main window and gives it the keyboard. */
export const openMain = (): Promise<unknown> => transport.commands.openMain();
/** What the incoming-call window has drawn: a call's card, so tall in CSS pixels, with which it appears; or nothing, with
    which it goes. */
export const incomingDrawn = (callId: string | null, height: number): Promise<unknown> =>
  transport.commands.incomingDrawn(callId, height);

/** Each snapshot as it is made; resolves once the listener is in place. */
export const onView = (handler: (view: PhoneView) => void): Promise<Unsubscribe> => transport.onView(handler);
export const windowLabel = (): string => transport.windowLabel();

type Handler<N extends EventName> = (data: EventData<N>) => void;

const handlers = new Map<EventName, Set<(data: never) => void>>();
let listening: Promise<void> | undefined;
let stopEvents: Unsubscribe | undefined;

/** Calls `handler` at every such event, until the function that this returns is called. */
export function on<N extends EventName>(event: N, handler: Handler<N>): Unsubscribe {
  const set = handlers.get(event) ?? new Set();
  handlers.set(event, set);
  set.add(handler);
  // Where there is no phone at all, the snapshot's listener fails too, and that failure is shown.
  listening ??= listenToEvents(transport).catch(() => undefined);
  return () => off(event, handler);
}

/** Takes back an `on`. */
export function off<N extends EventName>(event: N, handler: Handler<N>): void {
  handlers.get(event)?.delete(handler);
}

/** Whatever a command rejected with, as a `PealError`. */
export function asPealError(thrown: unknown): PealError {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
    return thrown as PealError;
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown), hint: '' };
}

const unchanged: SettingsPatch = {
  display_name: null,
  language: null,
  theme: null,
  microphone: null,
  speaker: null,
  call_timeout_ms: null,
  echo_cancellation: null,
  noise_suppression: null,
  gain_control: null,
  ice_servers: null,
};

async function listenToEvents(from: Transport): Promise<void> {
  const stop = await from.onEvent(dispatch);
  if (from === transport) stopEvents = stop;
  else stop();
}

function dispatch(event: PhoneEvent): void {
  const data = 'data' in event ? event.data : undefined;
  for (const handler of handlers.get(event.event) ?? []) (handler as (data: unknown) => void)(data);
}
