// Recordings, compiles and what became of regions, along the run's time.
//
//   record    |====|        |==|              from `hot` to `recorded`
//   compile        |##===----|                forming, writing LLVM IR, LLVM
//   region                   ^    v    x      installed, removed, refused
//   code                              .       overwritten, exits that were told

import { prepare, ticks } from "./chart.js";
import { oncePerFrame } from "./frame.js";
import { clock, colour, hideTip, showTip } from "./text.js";

const LANES = ["record", "compile", "region", "code"];
const LEFT = 58, BOTTOM = 18;
const KEPT = 30000;
const MARKS = {
  installed: ["region", "good", "▲"], removed: ["region", "interpreted", "▼"], refused: ["region", "bad", "✕"],
  overwritten: ["code", "bad", "•"], exit: ["code", "compiling", "◆"],
};

export class Timeline {
  #canvas;
  #bars = [];
  #marks = [];
  #hot = null;
  #now = 1;
  #view = null; // [from, to] when somebody has zoomed
  draw = oncePerFrame(() => this.#draw());
  #drag = null;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.#zoom(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      this.#drag = { x: event.clientX, view: this.#range() };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", () => { this.#drag = null; });
    canvas.addEventListener("pointermove", (event) => (this.#drag ? this.#move(event) : this.#point(event)));
    canvas.addEventListener("pointerleave", hideTip);
    canvas.addEventListener("dblclick", () => {
      this.#view = null;
      this.draw();
    });
  }

  forget() {
    this.#bars = [];
    this.#marks = [];
    this.#hot = null;
    this.#view = null;
  }

  add(rows) {
    for (const row of rows) {
      if (row.kind === "hot") this.#hot = row.seconds;
      else if (row.kind === "recorded") {
        const from = this.#hot ?? row.seconds;
        this.#bars.push({ lane: "record", parts: [["recording", row.seconds - from]], from, to: row.seconds, line: row.line });
      } else if (row.kind === "compiled") {
        const spent = row.forming + row.lowering + row.compiling;
        this.#bars.push({
          lane: "compile", from: row.seconds - spent, to: row.seconds, line: row.line, thorough: row.thorough,
          parts: [["good", row.forming], ["interpreted", row.lowering], ["compiling", row.compiling]],
        });
      } else if (MARKS[row.kind]) this.#marks.push({ at: row.seconds, kind: row.kind, line: row.line });
    }
    if (this.#bars.length > KEPT) this.#bars = this.#bars.slice(-KEPT);
    if (this.#marks.length > KEPT) this.#marks = this.#marks.slice(-KEPT);
  }

  show(now) {
    this.#now = Math.max(now, 0.1);
    this.draw();
  }

  #range() {
    return this.#view ?? [0, this.#now];
  }

  #geometry() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [from, to] = this.#range();
    const lane = (height - BOTTOM) / LANES.length;
    return {
      width, height, from, to, lane,
      x: (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT - 8),
      time: (x) => from + ((x - LEFT) / (width - LEFT - 8)) * (to - from),
    };
  }

  #draw() {
    const { context, width, height } = prepare(this.#canvas);
    const { x, lane, from, to } = this.#geometry();
    context.strokeStyle = colour("grid");
    context.fillStyle = colour("muted");
    context.textBaseline = "middle";
    LANES.forEach((name, at) => {
      context.fillText(name, 4, (at + 0.5) * lane);
      context.beginPath();
      context.moveTo(LEFT, Math.round((at + 1) * lane) - 0.5);
      context.lineTo(width, Math.round((at + 1) * lane) - 0.5);
      context.stroke();
    });
    context.textAlign = "center";
    for (const time of ticks(from, to, Math.max(2, width / 110))) {
      context.fillText(to - from < 1 ? `${time.toFixed(3)} s` : clock(time), x(time), height - 8);
    }
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, height - BOTTOM);
    context.clip();
    for (const bar of this.#bars) {
      if (bar.to < from || bar.from > to) continue;
      const top = LANES.indexOf(bar.lane) * lane + 4;
      let begin = bar.from;
      for (const [meaning, seconds] of bar.parts) {
        const left = x(begin), right = x(begin + seconds);
        context.fillStyle = colour(meaning);
        context.fillRect(left, top, Math.max(right - left, 1.2), lane - 9);
        begin += seconds;
      }
      if (bar.thorough) {
        context.fillStyle = colour("text");
        context.fillRect(x(bar.from), top + lane - 8, Math.max(x(bar.to) - x(bar.from), 1.2), 2);
      }
    }
    context.font = "11px system-ui, sans-serif";
    for (const mark of this.#marks) {
      if (mark.at < from || mark.at > to) continue;
      const [laneName, meaning, shape] = MARKS[mark.kind];
      context.fillStyle = colour(meaning);
      context.fillText(shape, x(mark.at), (LANES.indexOf(laneName) + 0.5) * lane);
    }
    context.restore();
    context.textAlign = "left";
  }

  #zoom(event) {
    event.preventDefault();
    const { time, from, to } = this.#geometry();
    const centre = time(event.offsetX);
    const factor = event.deltaY > 0 ? 1.25 : 0.8;
    const view = [centre - (centre - from) * factor, centre + (to - centre) * factor];
    this.#view = view[0] <= 0 && view[1] >= this.#now ? null : [Math.max(view[0], 0), Math.min(view[1], this.#now)];
    this.draw();
  }

  #move(event) {
    const [from, to] = this.#drag.view;
    const { width } = this.#geometry();
    const by = ((this.#drag.x - event.clientX) / (width - LEFT - 8)) * (to - from);
    const start = Math.max(0, Math.min(from + by, this.#now - (to - from)));
    this.#view = [start, start + to - from];
    this.draw();
  }

  #point(event) {
    const { x, lane } = this.#geometry();
    const name = LANES[Math.floor(event.offsetY / lane)];
    const near = (time) => Math.abs(x(time) - event.offsetX);
    const found = [
      ...this.#bars.filter((bar) => bar.lane === name && x(bar.from) - 3 <= event.offsetX && x(bar.to) + 3 >= event.offsetX),
      ...this.#marks.filter((mark) => MARKS[mark.kind][0] === name && near(mark.at) < 4),
    ];
    showTip(event, found.slice(-6).map((each) => each.line).join("\n"));
  }
}
