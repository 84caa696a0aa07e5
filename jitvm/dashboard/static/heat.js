// The heat map of memory: a pixel a byte, 65,536 of them as one picture. The heat map of the chart
// library takes a hundred times as long, and smooths or leaves out what has no room. Bits are those of `jitvm.dashboard.tables`.

import { colour, hex, hideTip, showTip } from "./text.js";

const CODE = 1, CELL = 2, VARIABLE = 4, OVERWRITTEN = 8;
export const LEGEND = [
  ["native", "compiled"], ["interpreted", "executed while recorded"], ["good", "variable kept in a register"],
  ["recording", "rewritten by the program"], ["bad", "compiled code overwritten"], ["nonzero", "not zero"],
];

function rgb(meaning) {
  const value = colour(meaning).replace("#", "");
  return [0, 2, 4].map((at) => parseInt(value.slice(at, at + 2), 16));
}

export class Heat {
  #canvas;
  #bytes = new Uint8Array(0);
  #width = 64;
  all = false;

  constructor(canvas) {
    this.#canvas = canvas;
    canvas.addEventListener("pointermove", (event) => this.#point(event));
    canvas.addEventListener("pointerleave", hideTip);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(bytes) {
    this.#bytes = bytes;
    this.draw();
  }

  // Text about what is shown.
  get about() {
    const used = this.#used();
    return used ? `0000 to ${hex(used - 1)}, ${this.#width} bytes a row` : "";
  }

  #used() {
    if (this.all) return this.#bytes.length;
    let last = this.#bytes.length;
    while (last && !this.#bytes[last - 1]) last--;
    return Math.ceil(last / 256) * 256;
  }

  draw() {
    const used = this.#used();
    const { clientWidth, clientHeight } = this.#canvas;
    if (!used || !clientWidth) return;
    // The power of two that fills the panel best.
    const ideal = Math.sqrt((used * clientWidth) / Math.max(clientHeight, 1));
    this.#width = Math.max(16, Math.min(512, 2 ** Math.round(Math.log2(ideal))));
    const rows = Math.ceil(used / this.#width);
    this.#canvas.width = this.#width;
    this.#canvas.height = rows;
    const context = this.#canvas.getContext("2d");
    const image = context.createImageData(this.#width, rows);
    const palette = this.#palette();
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < used; at++) pixels[at] = palette[this.#bytes[at]];
    context.putImageData(image, 0, 0);
  }

  #palette() {
    const ground = rgb("ground"), nonzero = rgb("nonzero");
    const compiled = rgb("native"), seen = rgb("interpreted");
    const cell = rgb("good"), variable = rgb("recording"), bad = rgb("bad");
    const mix = (a, b, part) => a.map((value, i) => Math.round(value + (b[i] - value) * part));
    return Uint32Array.from({ length: 256 }, (_, byte) => {
      const rank = (byte >> 4) & 7;
      let now = byte & 0x80 ? nonzero : ground;
      if (rank) now = mix(now, seen, 0.35 + 0.09 * rank);
      if (byte & CODE) now = mix(ground, compiled, 0.45 + 0.08 * rank);
      if (byte & CELL) now = cell;
      if (byte & VARIABLE) now = variable;
      if (byte & OVERWRITTEN) now = bad;
      return 0xff000000 | (now[2] << 16) | (now[1] << 8) | now[0];
    });
  }

  #point(event) {
    const bounds = this.#canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - bounds.left) / bounds.width) * this.#width);
    const row = Math.floor(((event.clientY - bounds.top) / bounds.height) * this.#canvas.height);
    const at = row * this.#width + column;
    const byte = this.#bytes[at];
    if (byte === undefined) return;
    const words = [
      [byte & CODE, "compiled"], [byte & CELL, "kept in a register by compiled code"], [byte & VARIABLE, "rewritten by the program"],
      [byte & OVERWRITTEN, "compiled code was overwritten here"], [byte & 0x70, `executed while recorded, rank ${(byte >> 4) & 7} of 7`],
    ];
    showTip(event, [hex(at), ...words.filter(([on]) => on).map(([, word]) => word)].join("\n"));
  }
}
