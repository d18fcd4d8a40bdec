import type { ConnectionState } from '../callkit';
import * as calls from './en/calls';
import * as ends from './en/ends';
import * as people from './en/people';
import { settings } from './en/settings';
import type { Said } from './types';

export const en = {
  app: {
    name: 'Peal',
    starting: 'Starting…',
    noPhone: { title: 'Peal can’t start', hint: 'Close this window and open Peal again.' } satisfies Said,
    tryAgain: 'Try again',
    close: 'Close',
    cancel: 'Cancel',
    loginDifferently: 'Log in another way',
  },

  start: {
    subtitle: 'A name is all it takes.',
    name: 'Your name',
    start: 'Start',
    starting: 'Starting…',
    here: 'You can call everyone who opens Peal on this computer. To call other computers, use a server.',
    useServer: 'Use a server instead',
    serverTitle: 'Use a server',
    serverSubtitle: 'Any MQTT broker will do.',
    server: 'Server address',
    serverExample: 'mqtts://example.org',
    account: 'Account',
    accountExample: 'alice',
    token: 'Token',
    tokenNote: 'if the server asks for one',
    nameNote: 'what others see',
    logIn: 'Log in',
    loggingIn: 'Logging in…',
    back: 'Back',
    cancel: 'Cancel',
    needName: 'Type the name that others will see.',
    needServer: 'Type the server’s address.',
    needAccount: 'Type your account on that server.',
  },

  kickedOut: {
    title: 'You are using Peal somewhere else',
    hint: 'Your account logged in on another device, so this one was logged out.',
    here: 'Use it here',
  },

  connection: {
    offline: 'Offline',
    connecting: 'Connecting…',
    online: 'Available',
    reconnecting: 'Reconnecting…',
  } satisfies Record<ConnectionState, string>,
  keepsTrying: 'Peal keeps trying.',
  loginAgain: 'Log in again',

  ...people,
  ...calls,
  ...ends,
  settings,
};
