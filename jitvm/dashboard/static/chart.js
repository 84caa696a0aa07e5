// Stacked areas over time on a canvas.
//
// A chart is given samples and layers; a layer is a colour, a name and a height for each sample.
// Drawing is a few thousand line segments: less than a millisecond, so there is no library.

import { oncePerFrame } from "./frame.js";
import { colour, clock, hideTip, showTip } from "./text.js";

const LEFT = 44, BOTTOM = 18, TOP = 6, RIGHT = 6;

// Make the canvas as fine as the display and give its context in CSS pixels.
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "10.5px system-ui, sans-serif";
  return { context, width, height };
}

// About `count` round numbers from `low` to `high`.
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(at);
  return found;
}

export class Chart {
  #canvas;
  #options;
  #samples = [];
  draw = oncePerFrame(() => this.#draw());
  #hover = null;

  // options: layers [{ meaning, name, value(sample) }], top (a fixed maximum), unit(number), small
  constructor(canvas, options) {
    this.#canvas = canvas;
    this.#options = options;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => this.#point(event));
    canvas.addEventListener("pointerleave", () => {
      this.#hover = null;
      hideTip();
      this.draw();
    });
  }

  show(samples) {
    this.#samples = samples;
    this.draw();
  }

  #x(time, box) {
    return box.left + ((time - this.#from) / (this.#to - this.#from || 1)) * (box.right - box.left);
  }

  #from = 0;
  #to = 1;

  #box() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const small = this.#options.small;
    return { left: small ? 0 : LEFT, right: width - (small ? 0 : RIGHT), top: TOP, bottom: height - (small ? 1 : BOTTOM) };
  }

  #draw() {
    const { context } = prepare(this.#canvas);
    const samples = this.#samples;
    const box = this.#box();
    if (!samples.length || box.right - box.left < 10) return;
    const { layers, unit, small } = this.#options;
    this.#from = samples[0].end - samples[0].span;
    this.#to = samples.at(-1).end;
    const stacks = samples.map((sample) => {
      let height = 0;
      return layers.map((layer) => (height += Math.max(layer.value(sample), 0)));
    });
    const top = this.#options.top ?? 1.08 * Math.max(1e-9, ...stacks.map((stack) => stack.at(-1)));
    const y = (value) => box.bottom - (value / top) * (box.bottom - box.top);
    if (!small) this.#grid(context, box, top, y, unit);
    for (let at = layers.length - 1; at >= 0; at--) {
      context.beginPath();
      context.moveTo(this.#x(this.#from, box), y(0));
      samples.forEach((sample, i) => {
        const height = y(stacks[i][at]);
        context.lineTo(this.#x(sample.end - sample.span, box), height);
        context.lineTo(this.#x(sample.end, box), height);
      });
      context.lineTo(this.#x(this.#to, box), y(0));
      context.closePath();
      context.fillStyle = colour(layers[at].meaning);
      context.fill();
      if (at > 0) this.#below(context, samples, stacks, at - 1, box, y);
    }
    if (this.#hover) {
      const x = this.#x(this.#hover.end - this.#hover.span / 2, box);
      context.strokeStyle = colour("text");
      context.globalAlpha = 0.6;
      context.beginPath();
      context.moveTo(x, box.top);
      context.lineTo(x, box.bottom);
      context.stroke();
      context.globalAlpha = 1;
    }
  }

  // A thin line of the panel's colour parts a layer from the one below it.
  #below(context, samples, stacks, at, box, y) {
    context.beginPath();
    samples.forEach((sample, i) => context.lineTo(this.#x(sample.end - sample.span / 2, box), y(stacks[i][at])));
    context.strokeStyle = colour("panel");
    context.lineWidth = 1;
    context.stroke();
  }

  #grid(context, box, top, y, unit) {
    context.strokeStyle = colour("grid");
    context.fillStyle = colour("muted");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of ticks(0, top, 4)) {
      const at = Math.round(y(value)) + 0.5;
      if (at < box.top) continue;
      context.beginPath();
      context.moveTo(box.left, at);
      context.lineTo(box.right, at);
      context.stroke();
      context.fillText(unit(value), box.left - 6, at);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    for (const time of ticks(this.#from, this.#to, Math.max(2, (box.right - box.left) / 90))) {
      context.fillText(clock(time), Math.min(this.#x(time, box), box.right - 16), box.bottom + 14);
    }
  }

  #point(event) {
    const box = this.#box();
    const bounds = this.#canvas.getBoundingClientRect();
    const part = (event.clientX - bounds.left - box.left) / (box.right - box.left);
    const time = this.#from + part * (this.#to - this.#from);
    this.#hover = this.#samples.find((sample) => sample.end >= time) ?? null;
    if (this.#hover) {
      const { layers, tell } = this.#options;
      const lines = [...layers].reverse().map((layer) => `${layer.name}  ${tell(layer.value(this.#hover), this.#hover)}`);
      showTip(event, [clock(this.#hover.end), ...lines].join("\n"));
    }
    this.draw();
  }
}
