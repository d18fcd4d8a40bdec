// Which phone is behind the functions, and who listens to it.

import { tauriTransport, type Transport, type Unsubscribe } from './transport';
import type { EventData, EventName, PhoneEvent } from './types';

/** What is called at an event; `this` is the context that `on` was given. */
export type Handler<N extends EventName, C = undefined> = (this: C, data: EventData<N>) => void;

interface Listener {
  handler: unknown;
  tell: (data: unknown) => void;
}

const listeners = new Map<EventName, Set<Listener>>();
let transport: Transport = tauriTransport;
let listening: Promise<void> | undefined;
let stopEvents: Unsubscribe | undefined;

/** The phone that is asked. */
export const phone = (): Transport => transport;

/** Puts another phone behind the functions: a fake one, in tests and in the preview. Nobody listens to it yet. */
export function connectTo(other: Transport): void {
  stopEvents?.();
  stopEvents = undefined;
  listening = undefined;
  listeners.clear();
  transport = other;
}

/** Calls `handler` at every such event, with `context` as its `this`, until the function that this returns is called. */
export function on<N extends EventName, C = undefined>(
  event: N,
  handler: Handler<N, C>,
  context?: C,
): Unsubscribe {
  const set = listeners.get(event) ?? new Set();
  listeners.set(event, set);
  const listener = { handler, tell: (data: unknown) => handler.call(context as C, data as EventData<N>) };
  set.add(listener);
  // Where there is no phone at all, the snapshot's listener fails too, and that failure is shown.
  listening ??= listenToEvents(transport).catch(() => undefined);
  return () => void set.delete(listener);
}

/** Takes back every `on` of that handler for that event. */
export function off<N extends EventName, C = undefined>(event: N, handler: Handler<N, C>): void {
  for (const listener of listeners.get(event) ?? []) {
    if (listener.handler === handler) listeners.get(event)?.delete(listener);
  }
}

async function listenToEvents(from: Transport): Promise<void> {
  const stop = await from.onEvent(dispatch);
  if (from === transport) stopEvents = stop;
  else stop();
}

function dispatch(event: PhoneEvent): void {
  const data = 'data' in event ? event.data : undefined;
  for (const { tell } of [...(listeners.get(event.event) ?? [])]) {
    // One handler's fault is not the others'.
    try {
      tell(data);
    } catch (fault) {
      reportError(fault);
    }
  }
}
