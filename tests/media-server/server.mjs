// A media server for the tests: streams are published once (WHIP, RFC 9725) and played by whoever asks (WHEP,
// draft-ietf-wish-whep). Its WebRTC is werift's, which shares no code with Peal's: ICE, DTLS, SRTP, SDP and the reports of
// what came are another implementation's. Packets are passed on as they come, as a selective forwarding unit does.
//
//   node server.mjs [--token TOKEN] [--play-token TOKEN]
//
// It listens on a free port of 127.0.0.1 and writes {"port":…} when it does.
//
//   POST   /<stream>/whip        publish: 201, or 401, 405, 409, 415
//   POST   /moved/<stream>/whip  307 to the one above
//   POST   /<stream>/whep        play: 201, or 404 while nobody publishes
//   DELETE /session/<id>         end either
//   GET    /sessions             {"published":["<stream>",…],"played":["<stream>",…]}, for the tests

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import {
  RTCPeerConnection,
  useH264,
  useNACK,
  useOPUS,
  usePLI,
} from 'werift';

const { values: options } = parseArgs({ options: { token: { type: 'string' }, 'play-token': { type: 'string' } } });

/** An offer is no longer than this, bytes. */
const MAX_OFFER = 64 * 1024;

/** By id: { id, kind: 'whip' | 'whep', stream, connection, tracks, senders }. */
const sessions = new Map();

const of = (kind, stream) => [...sessions.values()].filter((it) => it.kind === kind && it.stream === stream);

function connect() {
  return new RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    codecs: {
      audio: [useOPUS()],
      video: [
        useH264({
          parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
          rtcpFeedback: [useNACK(), usePLI()],
        }),
      ],
    },
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    iceUseIpv6: false,
  });
}

async function end(session) {
  if (sessions.delete(session.id)) {
    await session.connection.close();
  }
}

function begin(kind, stream) {
  const session = { id: randomUUID(), kind, stream, connection: connect(), tracks: {}, senders: {} };
  session.connection.connectionStateChange.subscribe((state) => {
    if (state === 'failed' || state === 'closed' || state === 'disconnected') {
      void end(session);
    } else if (state === 'connected' && kind === 'whep') {
      // Whoever begins to look needs a whole picture.
      askForKeyFrame(stream);
    }
  });
  sessions.set(session.id, session);
  return session;
}

async function answer(session, offer, prepare) {
  const { connection } = session;
  await connection.setRemoteDescription({ type: 'offer', sdp: offer });
  prepare();
  await connection.setLocalDescription(await connection.createAnswer());
  return connection.localDescription.sdp;
}

async function publish(stream, offer) {
  const session = begin('whip', stream);
  session.connection.onTrack.subscribe((track) => {
    session.tracks[track.kind] = track;
    track.onReceiveRtp.subscribe((packet) => {
      // A copy for each: senders write their own header into it.
      const bytes = packet.serialize();
      for (const player of of('whep', stream)) {
        void player.senders[track.kind]?.sendRtp(bytes);
      }
    });
  });
  const sdp = await answer(session, offer, () => {
    for (const transceiver of session.connection.getTransceivers()) {
      transceiver.setDirection('recvonly');
    }
  });
  return { session, sdp };
}

async function play(stream, offer) {
  const session = begin('whep', stream);
  const sdp = await answer(session, offer, () => {
    for (const transceiver of session.connection.getTransceivers()) {
      transceiver.setDirection('sendonly');
      const { sender } = transceiver;
      session.senders[transceiver.kind] = sender;
      sender.onPictureLossIndication.subscribe(() => askForKeyFrame(stream));
    }
  });
  return { session, sdp };
}

/** A player can't go on: only the publisher can help. */
function askForKeyFrame(stream) {
  for (const publisher of of('whip', stream)) {
    const track = publisher.tracks.video;
    const receiver = publisher.connection.getReceivers().find((it) => it.kind === 'video');
    if (track?.ssrc !== undefined) {
      void receiver?.sendRtcpPLI(track.ssrc);
    }
  }
}

function body(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let length = 0;
    request.on('data', (chunk) => {
      length += chunk.length;
      if (length > MAX_OFFER) {
        reject(new Error('the offer is too long'));
        request.destroy();
      } else {
        chunks.push(chunk);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

async function serve(request, response) {
  const path = new URL(request.url, 'http://localhost').pathname;
  const reply = (status, headers = {}, text = '') => response.writeHead(status, headers).end(text);
  const wanted = (token) => token === undefined || request.headers.authorization === `Bearer ${token}`;

  if (request.method === 'GET' && path === '/sessions') {
    const streams = (kind) => [...sessions.values()].filter((it) => it.kind === kind).map((it) => it.stream);
    const text = JSON.stringify({ published: streams('whip'), played: streams('whep') });
    return reply(200, { 'content-type': 'application/json' }, text);
  }
  const session = /^\/session\/([^/]+)$/.exec(path);
  if (session) {
    const found = sessions.get(session[1]);
    if (request.method !== 'DELETE') return reply(405, { allow: 'DELETE' });
    if (!found) return reply(404);
    if (!wanted(found.kind === 'whip' ? options.token : options['play-token'])) return reply(401);
    await end(found);
    return reply(200);
  }
  const moved = /^\/moved(\/[^/]+\/whip)$/.exec(path);
  if (moved) return reply(307, { location: moved[1] });

  const endpoint = /^\/([^/]+)\/(whip|whep)$/.exec(path);
  if (!endpoint) return reply(404);
  const [, stream, kind] = endpoint;
  if (request.method !== 'POST') return reply(405, { allow: 'POST' });
  if (!wanted(kind === 'whip' ? options.token : options['play-token'])) {
    return reply(401, { 'www-authenticate': 'Bearer' });
  }
  if (request.headers['content-type'] !== 'application/sdp') return reply(415);
  if (kind === 'whep' && of('whip', stream).length === 0) return reply(404);
  if (kind === 'whip' && of('whip', stream).length > 0) return reply(409);

  const offer = await body(request);
  const made = kind === 'whip' ? await publish(stream, offer) : await play(stream, offer);
  reply(201, { 'content-type': 'application/sdp', location: `/session/${made.session.id}` }, made.sdp);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) {
      response.writeHead(400).end();
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
