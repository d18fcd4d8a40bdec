// I420 onto a canvas: three planes as textures, and the colours made where they are drawn.

import { colours } from './colours';
import type { Frame } from './frame';

const VERTEX = `
attribute vec2 corner;
varying vec2 at;
void main() {
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// BT.601, limited range.
const FRAGMENT = `
precision mediump float;
varying vec2 at;
uniform sampler2D y_plane;
uniform sampler2D u_plane;
uniform sampler2D v_plane;
void main() {
  float y = 1.16438 * (texture2D(y_plane, at).r - 0.0627451);
  float u = texture2D(u_plane, at).r - 0.501961;
  float v = texture2D(v_plane, at).r - 0.501961;
  gl_FragColor = vec4(y + 1.59603 * v, y - 0.391762 * u - 0.812968 * v, y + 2.01723 * u, 1.0);
}`;

const WEB_GL: WebGLContextAttributes = {
  alpha: false,
  antialias: false,
  depth: false,
  stencil: false,
  // One that runs on the processor is slower than the processor without it.
  failIfMajorPerformanceCaveat: true,
};

/** Draws pictures; `clear` leaves nothing. */
export interface Painter {
  draw: (frame: Frame) => void;
  clear: () => void;
  release: () => void;
}

/** What draws on that canvas: the graphics card, or where there is no way to one, this computer itself. */
export function painterOn(canvas: HTMLCanvasElement, accelerated: boolean): Painter | undefined {
  const gl = accelerated ? canvas.getContext('webgl', WEB_GL) : null;
  if (gl) return webGl(canvas, gl);
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  return context ? plain(canvas, context) : undefined;
}

function webGl(canvas: HTMLCanvasElement, gl: WebGLRenderingContext): Painter {
  let planes = prepare(gl);
  let [width, height] = [0, 0];
  const lost = (event: Event) => event.preventDefault();
  const restored = () => {
    planes = prepare(gl);
    width = height = 0;
  };
  canvas.addEventListener('webglcontextlost', lost);
  canvas.addEventListener('webglcontextrestored', restored);

  return {
    draw(frame) {
      if (gl.isContextLost()) return;
      const isNew = frame.width !== width || frame.height !== height;
      if (isNew) {
        [width, height] = [frame.width, frame.height];
        canvas.width = width;
        canvas.height = height;
        gl.viewport(0, 0, width, height);
      }
      const half = [frame.width / 2, frame.height / 2] as const;
      const sizes = [[frame.width, frame.height] as const, half, half];
      [frame.y, frame.u, frame.v].forEach((bytes, at) => {
        const [w, h] = sizes[at] ?? half;
        const { LUMINANCE, UNSIGNED_BYTE, TEXTURE_2D } = gl;
        gl.activeTexture(gl.TEXTURE0 + at);
        gl.bindTexture(TEXTURE_2D, planes[at] ?? null);
        if (isNew) gl.texImage2D(TEXTURE_2D, 0, LUMINANCE, w, h, 0, LUMINANCE, UNSIGNED_BYTE, bytes);
        else gl.texSubImage2D(TEXTURE_2D, 0, 0, 0, w, h, LUMINANCE, UNSIGNED_BYTE, bytes);
      });
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    clear() {
      gl.clearColor(0, 0, 0, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
    },
    release() {
      canvas.removeEventListener('webglcontextlost', lost);
      canvas.removeEventListener('webglcontextrestored', restored);
      // A page has but some sixteen of these, and the collector does not hurry.
      gl.getExtension('WEBGL_lose_context')?.loseContext();
    },
  };
}

function prepare(gl: WebGLRenderingContext): WebGLTexture[] {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) continue;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
  const corner = gl.getAttribLocation(program, 'corner');
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  return ['y_plane', 'u_plane', 'v_plane'].map((name, at) => {
    gl.uniform1i(gl.getUniformLocation(program, name), at);
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + at);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const [parameter, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.LINEAR],
      [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
      [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ] as const) {
      gl.texParameteri(gl.TEXTURE_2D, parameter, value);
    }
    return texture;
  });
}

function plain(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): Painter {
  const make = colours();
  let image: ImageData | undefined;
  return {
    draw(frame) {
      const pixels = make(frame);
      // A picture that was turned comes in as many bytes.
      if (image?.data !== pixels || image.width !== frame.width) {
        canvas.width = frame.width;
        canvas.height = frame.height;
        image = new ImageData(pixels, frame.width, frame.height);
      }
      context.putImageData(image, 0, 0);
    },
    clear: () => context.clearRect(0, 0, canvas.width, canvas.height),
    release: () => undefined,
  };
}
