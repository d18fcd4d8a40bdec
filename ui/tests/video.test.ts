import { beforeEach, expect, test } from 'vitest';
import type { CallView, MemberView } from '../src/callkit';
import { all, choose, click, clickOn, find, given, key, open, settled, the } from './render';
import { myVideo, noVideo, NOW, sampleCall, sampleGroupCall, sampleMember, sampleView } from './samples';

beforeEach(() => void (window.innerWidth = 1040));

const video = (changes: Partial<CallView> = {}, member: Partial<MemberView> = {}) =>
  sampleCall(
    { state: 'connected', media: 'video', connected_at: NOW, quality: 'good', my_video: true, ...changes },
    { state: 'joined', video: true, ...member },
  );
const voice = (changes: Partial<CallView> = {}) =>
  sampleCall({ state: 'connected', connected_at: NOW, quality: 'good', ...changes }, { state: 'joined' });
const group = (changes: Partial<CallView> = {}) =>
  sampleGroupCall({
    media: 'video',
    members: [
      sampleMember('bob.chen', 'Bob Chen', { state: 'joined', video: true }),
      sampleMember('maria', 'Maria Papadaki', { state: 'joined', video: true, muted: true }),
      sampleMember('wang', '王小明', { state: 'joined' }),
    ],
    ...changes,
  });
const tile = (userId: string) =>
  document.querySelector<HTMLElement>(`[data-testid="tile"][data-user-id="${userId}"]`);

test('two people: theirs is large, mine lies in a corner that the arrows move', async () => {
  await open({ video: myVideo, calls: [video()] });
  expect(the('pictures').dataset['large']).toBe('bob.chen');
  expect(all('tile')).toHaveLength(1);
  expect(the('inset').dataset['corner']).toBe('bottom-right');
  the('inset').focus();
  await key('ArrowLeft');
  await key('ArrowUp');
  expect(the('inset').dataset['corner']).toBe('top-left');
});

test('without anybody’s picture a call looks like one by voice', async () => {
  const phone = await open({ video: noVideo, calls: [video({ my_video: false }, { video: false })] });
  expect(find('pictures')).toBeNull();
  phone.show({ calls: [video({ my_video: false })] });
  await settled();
  expect(tile('bob.chen')?.dataset['video']).toBe('true');
  expect(find('inset')).toBeNull();
});

test('on hold nobody is seen', async () => {
  await open({ video: myVideo, calls: [video({ on_hold: true })] });
  expect(find('pictures')).toBeNull();
  expect(find('inset')).toBeNull();
});

test('a group stands in a grid: who has no picture has a face, and all have their names', async () => {
  await open({ video: myVideo, calls: [group()] });
  expect(the('pictures').dataset['large']).toBeUndefined();
  expect(all('tile').map((one) => [one.dataset['userId'], one.dataset['video']])).toEqual([
    ['bob.chen', 'true'],
    ['maria', 'true'],
    ['wang', 'false'],
    ['alice', 'true'],
  ]);
  expect(tile('maria')?.getAttribute('aria-label')).toBe('Maria Papadaki, Muted');
  expect(tile('wang')?.getAttribute('aria-label')).toBe('王小明, no picture');
});

test('whoever is pinned is large until they leave', async () => {
  const phone = await open({ video: myVideo, calls: [group()] });
  tile('maria')?.querySelector<HTMLElement>('[data-testid="pin"]')?.click();
  await settled();
  expect(the('pictures').dataset['large']).toBe('maria');
  expect(all('tile')).toHaveLength(4);
  const [bob, , wang] = group().members;
  phone.show({ calls: [group({ members: [bob, wang].filter((it) => it !== undefined) })] });
  await settled();
  expect(the('pictures').dataset['large']).toBeUndefined();
});

test('the stage follows who speaks, if that is wished', async () => {
  await open({ video: myVideo, calls: [group()] });
  await click('follow-speaker');
  expect(the('pictures').dataset['large']).toBe('bob.chen');
  await click('follow-speaker');
  expect(the('pictures').dataset['large']).toBeUndefined();
});

test('a weak line is said on the tile', async () => {
  const [bob] = group().members;
  if (!bob) throw new Error('nobody');
  const weak = { ...bob, quality: 'poor' as const, picture_paused: true };
  await open({ video: myVideo, calls: [group({ members: [weak, ...group().members.slice(1)] })] });
  expect(the('tile-quality').dataset['quality']).toBe('poor');
  expect(the('tile-remark').textContent).toBe('Paused: weak connection');
});

test('the camera goes off and on with one click or V', async () => {
  const phone = await open({ video: myVideo, calls: [video()] });
  expect(the('camera').dataset['off']).toBe('false');
  await click('camera');
  expect(phone.asked.filter(({ command }) => command === 'closeCamera')).toHaveLength(1);
  phone.show({ video: noVideo, calls: [video({ my_video: false })] });
  await settled();
  expect(the('camera').dataset['off']).toBe('true');
  await key('v');
  expect(given(phone, 'openCamera')).toEqual([{ source: null }]);
});

test('in a call by voice the camera asks the other side first, and opens when they agree', async () => {
  const phone = await open({ video: noVideo, calls: [voice()] });
  await click('camera');
  expect(given(phone, 'switchMedia')).toEqual([{ call_id: 'call-1', media: 'video' }]);
  expect(given(phone, 'openCamera')).toEqual([]);
  phone.show({ calls: [voice({ switch: { by_me: true, media: 'video' } })] });
  await settled();
  expect(the('camera').getAttribute('aria-busy')).toBe('true');
  expect(the('call-state').textContent).toMatch(/Asking to switch to video/);
  phone.show({ calls: [voice({ media: 'video' })] });
  await settled();
  expect(given(phone, 'openCamera')).toEqual([{ source: null }]);
});

test('when they would rather not, nothing opens, even if the call becomes one with pictures later', async () => {
  const phone = await open({ video: noVideo, calls: [voice()] });
  await click('camera');
  phone.show({ calls: [voice({ switch: { by_me: true, media: 'video' } })] });
  await settled();
  phone.show({ calls: [voice()] });
  await settled();
  phone.show({ calls: [voice({ media: 'video' })] });
  await settled();
  expect(given(phone, 'openCamera')).toEqual([]);
});

test('a screen is shared from a list, and stopping it brings the camera back', async () => {
  const phone = await open({ video: myVideo, calls: [video()] });
  phone.answers.videoSources = () => ({
    cameras: [{ id: 'cam-1', name: 'Camera' }],
    screens: [{ id: 's1', name: 'Display' }],
    windows: [{ id: 'w1', name: '' }],
  });
  await click('share');
  expect(all('source').map((row) => row.dataset['kind'])).toEqual(['screen', 'window', 'camera']);
  await clickOn('source', { sourceId: 's1' });
  expect(given(phone, 'openCamera')).toEqual([{ source: { kind: 'screen', id: 's1' } }]);
  expect(find('sources')).toBeNull();
  phone.show({ video: { ...myVideo, source: { kind: 'screen', id: 's1' } } });
  await settled();
  expect(the('share').getAttribute('aria-label')).toBe('Stop sharing');
  expect(the('tile-remark').textContent).toBe('You are sharing');
  await click('share');
  expect(phone.asked.filter(({ command }) => command !== 'meters').slice(-2)).toEqual([
    { command: 'closeCamera', args: [] },
    { command: 'openCamera', args: [{ source: { kind: 'camera', id: null } }] },
  ]);
});

test('where the desktop asks what to show, the list says so, and nothing picked is no failure', async () => {
  const phone = await open({ video: noVideo, calls: [video({ my_video: false })] });
  phone.answers.videoSources = () => ({ cameras: [], screens: [{ id: 'picked', name: 'x' }], windows: [] });
  phone.answers.openCamera = () => {
    throw Object.assign(new Error('nothing was picked'), { code: 'not_picked', hint: '' });
  };
  await click('share');
  expect(the('source').textContent).toMatch(/A screen or a window.*Your desktop asks which one/);
  await clickOn('source', { sourceId: 'picked' });
  expect(given(phone, 'openCamera')).toEqual([{ source: { kind: 'screen', id: 'picked' } }]);
  expect(find('toast')).toBeNull();
});

test('whoever had no camera on shows nothing after sharing', async () => {
  const phone = await open({ video: noVideo, calls: [video({ my_video: false })] });
  phone.answers.videoSources = () => ({ cameras: [], screens: [{ id: 's1', name: 'Display' }], windows: [] });
  await click('share');
  await clickOn('source', { sourceId: 's1' });
  phone.show({ video: { ...myVideo, source: { kind: 'screen', id: 's1' } } });
  await settled();
  await click('share');
  expect(phone.asked.at(-1)?.command).toBe('closeCamera');
});

test('what is wrong with the camera is said in the call', async () => {
  const problem = { code: 'camera_busy' as const, message: '', hint: '' };
  await open({ video: { ...noVideo, problem }, calls: [video({ my_video: false })] });
  expect(the('video-problem').textContent).toMatch(/The camera is taken/);
});

test('in a narrow window the lesser controls stand in the menu', async () => {
  window.innerWidth = 400;
  await open({ video: myVideo, calls: [video()] });
  const bar = [...the('call').querySelectorAll('footer > button')].map((it) =>
    it.getAttribute('data-testid'),
  );
  expect(bar).toEqual(['mute', 'camera']);
  expect(['share', 'hold', 'speaker', 'add-people'].map(find)).toEqual([null, null, null, null]);
  await click('more');
  for (const control of ['share', 'hold', 'speaker', 'add-people']) the(control);
});

test('full screen goes and comes with F, and Escape leaves it', async () => {
  const phone = await open({ video: myVideo, calls: [video()] });
  await key('f');
  expect(given(phone, 'setFullScreen')).toEqual([true]);
  expect(the('full-screen').dataset['on']).toBe('true');
  await key('Escape');
  expect(given(phone, 'setFullScreen')).toEqual([true, false]);
});

test('a call that ends leaves full screen', async () => {
  const phone = await open({ video: myVideo, calls: [video()] });
  await click('full-screen');
  phone.show({ calls: [] });
  await settled();
  expect(given(phone, 'setFullScreen')).toEqual([true, false]);
});

test('a person, a row and a group are called with pictures', async () => {
  const groups = [{ group_id: 'g1', name: 'Design team', members: ['bob.chen', 'maria'] }];
  const phone = await open({ groups });
  await clickOn('contact', { userId: 'bob.chen' });
  await click('video-call-button');
  expect(given(phone, 'call').at(-1)).toMatchObject({ to: ['bob.chen'], media: 'video' });
  await click('call-button');
  expect(given(phone, 'call').at(-1)).not.toHaveProperty('media');
  await click('row-video-call');
  expect(given(phone, 'call').at(-1)).toMatchObject({ media: 'video' });
  await clickOn('group', { groupId: 'g1' });
  await click('video-call-button');
  expect(given(phone, 'call').at(-1)).toMatchObject({ group_id: 'g1', media: 'video' });
});

test('a doorbell is seen before anybody answers', async () => {
  const door = (changes: Partial<CallView>) =>
    sampleCall(
      { direction: 'incoming', state: 'ringing', preview: true, ...changes },
      { user_id: 'front-gate', name: 'Front gate', kind: 'device', video: true },
    );
  await open({ calls: [door({ media: 'video' })] }, 'incoming');
  expect(the('live-picture').dataset['userId']).toBe('front-gate');
  expect(find('listening')).toBeNull();
  expect(the('incoming').textContent).toMatch(/Device · Video call/);
});

test('a doorbell without a camera is heard alone', async () => {
  const call = sampleCall(
    { direction: 'incoming', state: 'ringing', preview: true },
    { user_id: 'front-gate', name: 'Front gate', kind: 'device' },
  );
  await open({ calls: [call] }, 'incoming');
  the('listening');
  expect(find('live')).toBeNull();
});

test('the small window shows whoever has a picture, mutes, and leads back', async () => {
  const silent = sampleMember('wang', '王小明', { state: 'joined' });
  const seen = sampleMember('maria', 'Maria Papadaki', { state: 'joined', video: true });
  const phone = await open(
    { video: myVideo, calls: [group({ members: [silent, seen] })] },
    'picture-in-picture',
  );
  expect(the('small-picture').dataset['userId']).toBe('maria');
  await click('small-mute');
  expect(given(phone, 'setMuted')).toEqual([true]);
  await click('small-camera');
  expect(phone.asked.some(({ command }) => command === 'closeCamera')).toBe(true);
  await click('small-hang-up');
  expect(phone.asked.some(({ command }) => command === 'leave')).toBe(true);
  await click('small-back');
  expect(phone.asked.slice(-2).map(({ command }) => command)).toEqual(['openMain', 'closePictureInPicture']);
});

test('the settings open the camera only when somebody wants to see it', async () => {
  const phone = await open({ video: noVideo });
  await click('open-settings');
  expect(find('preview-picture')).toBeNull();
  await click('start-preview');
  the('preview-picture');
  await click('stop-preview');
  expect(find('preview-picture')).toBeNull();
  await choose('resolution', '1280x720');
  await choose('frame-rate', '15');
  await choose('camera-device', 'cam-1');
  await click('mirror-preview');
  expect(given(phone, 'setSettings')).toEqual([
    { video_width: 1280, video_height: 720 },
    { frame_rate: 15 },
    { camera: 'cam-1' },
    { mirror_preview: false },
  ]);
  expect(sampleView().settings.video_width).toBe(640);
});

test('what a banner says no toast repeats, and afterwards it may', async () => {
  const problem = { code: 'no_camera', message: '', hint: '' } as const;
  const phone = await open({ video: { ...noVideo, problem }, calls: [video()] });
  expect(find('video-problem')).not.toBeNull();
  phone.emit({ event: 'error', data: problem });
  await settled();
  expect(find('toast')).toBeNull();
  phone.show({ video: noVideo });
  await settled();
  phone.emit({ event: 'error', data: problem });
  await settled();
  expect(the('toast').textContent).toMatch(/No camera/);
});
