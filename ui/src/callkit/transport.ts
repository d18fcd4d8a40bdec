// The only place that touches the generated bindings and Tauri's own API.

import { isTauri } from '@tauri-apps/api/core';
import { getCurrentWindow } from '@tauri-apps/api/window';
import { commands, events } from '../bindings';
import type {
  CallStats,
  HistoryQuery,
  Meters,
  PhoneEvent,
  PhoneView,
  RecordView,
  StatsParams,
} from './types';

export type Unsubscribe = () => void;

type Bound = typeof commands;

/** What the phone answers; each rejects with a `PealError`. */
export type Commands = Omit<Bound, 'snapshot' | 'meters' | 'searchHistory' | 'callStats'> & {
  snapshot: () => Promise<PhoneView>;
  meters: () => Promise<Meters>;
  searchHistory: (query: HistoryQuery) => Promise<RecordView[]>;
  callStats: (params: StatsParams) => Promise<CallStats>;
};

/** The way to a phone: Tauri's in the app, a fake one in tests and in the preview. */
export interface Transport {
  commands: Commands;
  /** Each snapshot as it is made; resolves once the listener is in place. */
  onView: (handler: (view: PhoneView) => void) => Promise<Unsubscribe>;
  /** Each event as it happens; resolves once the listener is in place. */
  onEvent: (handler: (event: PhoneEvent) => void) => Promise<Unsubscribe>;
  /** The label of the window this runs in: `main`, `incoming` or `picture-in-picture`. */
  windowLabel: () => string;
}

export const tauriTransport: Transport = {
  commands: {
    ...commands,
    snapshot: async () => (await commands.snapshot()) as PhoneView,
    meters: async () => (await commands.meters()) as Meters,
    searchHistory: async (query) => (await commands.searchHistory(query)) as RecordView[],
    callStats: async (params) => (await commands.callStats(params)) as CallStats,
  },
  onView: (handler) => events.phoneView.listen((message) => handler(message.payload as PhoneView)),
  onEvent: (handler) => events.phoneEvent.listen((message) => handler(message.payload)),
  windowLabel: () =>
    isTauri() ? getCurrentWindow().label : (new URLSearchParams(location.search).get('window') ?? 'main'),
};
