import type { Words } from './index.svelte';
import * as calls from './zh-CN/calls';
import * as ends from './zh-CN/ends';
import * as people from './zh-CN/people';
import { settings } from './zh-CN/settings';

export const zhCN: Words = {
  app: {
    name: 'Peal',
    starting: '正在启动…',
    noPhone: { title: 'Peal 无法启动', hint: '请关闭此窗口，然后重新打开 Peal。' },
    tryAgain: '重试',
    close: '关闭',
    cancel: '取消',
    loginDifferently: '换一种方式登录',
  },

  start: {
    subtitle: '留个名字，就能通话。',
    name: '您的名字',
    start: '开始',
    starting: '正在启动…',
    here: '您可以呼叫在这台电脑上打开 Peal 的任何人。要呼叫其他电脑，请使用服务器。',
    useServer: '改用服务器',
    serverTitle: '使用服务器',
    serverSubtitle: '任何 MQTT 服务器都可以。',
    server: '服务器地址',
    serverExample: 'mqtts://example.org',
    account: '账号',
    accountExample: 'alice',
    token: '令牌',
    tokenNote: '服务器需要时填写',
    nameNote: '别人看到的名字',
    logIn: '登录',
    loggingIn: '正在登录…',
    back: '返回',
    cancel: '取消',
    needName: '请输入别人将看到的名字。',
    needServer: '请输入服务器地址。',
    needAccount: '请输入您在该服务器上的账号。',
  },

  kickedOut: {
    title: '您正在别处使用 Peal',
    hint: '您的账号在另一台设备上登录，因此这台设备已退出登录。',
    here: '在这里使用',
  },

  connection: { offline: '离线', connecting: '正在连接…', online: '在线', reconnecting: '正在重新连接…' },
  keepsTrying: 'Peal 会继续尝试。',
  loginAgain: '重新登录',

  ...people,
  ...calls,
  ...ends,
  settings,
};
