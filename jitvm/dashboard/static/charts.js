// Charts along the run's time, drawn by Plotly.
//
//   Area      stacked steps of samples; what is not known in a sample (null) is left empty
//   Timeline  recordings, compiles and what became of regions
//   Calls     call stacks, as the server has made them: flame graph or icicle
//
// 1. The library has 5 MB: it is asked for when the page stands, and charts are drawn when it came.
// 2. A chart is drawn anew only while it is in sight and nobody drags in it, and then rests for most
//    of a second, or ten times as long as that took. A frame of the screen has to be due: hidden tabs
//    draw nothing.
// 3. What is drawn is bounded by the chart's width, not by the run: samples are added up, and what
//    would lie on the same pixel becomes one.

import { colour, element } from "./text.js";

const STEPS = 160; // of an area at most
const REST = 10; // times as long as drawing took
const LEAST = 800; // milliseconds of rest

let library = null;
function charts() {
  library ??= new Promise((come, fail) => {
    const script = element("script", { src: "static/plotly.js", onload: () => come(window.Plotly), onerror: fail });
    document.head.append(script);
  });
  return library;
}

class Chart {
  #box;
  #due = false;
  #waits = false;
  #inSight = false;
  #held = false;
  #resting = 0;
  plot = null;

  constructor(box) {
    this.#box = box;
    box.setAttribute("role", "img");
    new IntersectionObserver(([entry]) => {
      this.#inSight = entry.isIntersecting;
      this.#go();
    }).observe(box);
    new ResizeObserver(() => this.draw()).observe(box);
    box.addEventListener("pointerdown", () => { this.#held = true; });
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, () => {
        this.#held = false;
        this.#go();
      });
    }
  }

  get width() { return this.#box.clientWidth; }
  get height() { return this.#box.clientHeight; }

  draw() {
    this.#due = true;
    this.#go();
  }

  #go() {
    if (!this.#due || this.#waits || !this.#inSight || this.#held) return;
    this.#waits = true;
    setTimeout(() => requestAnimationFrame(() => this.#draw()), Math.max(0, this.#resting - performance.now()));
  }

  async #draw() {
    try {
      this.plot = await charts();
    } catch {
      this.#box.textContent = "charts need plotly: pip install 'jitvm[dashboard]'";
      return;
    }
    const began = performance.now();
    const figure = this.#held || this.width < 20 ? null : this.figure();
    if (figure) {
      this.#due = false;
      await this.plot.react(this.#box, figure.data, { ...this.#layout(), ...figure.layout }, { displayModeBar: false, doubleClick: false, ...figure.config });
      this.drawn?.(this.#box);
    }
    const now = performance.now();
    this.#resting = now + Math.max(LEAST, REST * (now - began));
    this.#waits = false;
    if (figure) this.#go();
  }

  #layout() {
    return {
      width: this.width, height: this.height, showlegend: false, dragmode: false, uirevision: true,
      margin: { l: 46, r: 8, t: 6, b: 22 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 11, color: colour("muted") },
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { color: colour("text"), size: 11.5 }, align: "left", namelength: -1 },
    };
  }

  // An axis of seconds, or of minutes: what times are to be multiplied by, and how it looks.
  timeAxis(from, to) {
    const scale = to > 600 ? 1 / 60 : 1;
    const look = { range: [from * scale, to * scale], ticksuffix: scale === 1 ? " s" : " min", nticks: Math.max(2, Math.round(this.width / 90)), gridcolor: colour("grid"), zeroline: false, fixedrange: true };
    return { scale, look };
  }
}

export class Area extends Chart {
  #options;
  #samples = [];

  // options: layers [{ meaning, name, value(sample) }], tell(value), yaxis, small
  constructor(box, options) {
    super(box);
    this.#options = options;
  }

  show(samples) {
    this.#samples = samples;
    this.draw();
  }

  figure() {
    const steps = joined(this.#samples);
    const { layers, tell, yaxis, small } = this.#options;
    const visible = !small && steps.length > 0;
    const from = steps.length ? steps[0].end - steps[0].span : 0;
    const to = steps.at(-1)?.end ?? 1;
    const { scale, look } = this.timeAxis(from, to);
    // A step holds until the next begins; the last one until it ends.
    const x = [...steps.map((step) => (step.end - step.span) * scale), ...steps.slice(-1).map((step) => step.end * scale)];
    const data = layers.map(({ meaning, name, value }) => {
      const y = steps.map(value);
      y.push(...y.slice(-1));
      return {
        type: "scatter", mode: "lines", x, y, name, stackgroup: "all", hoveron: "points", fillcolor: colour(meaning),
        line: { shape: "hv", width: 0, color: colour(meaning) },
        text: y.map((each) => (each === null ? "not known" : tell(each))), hovertemplate: "%{text}",
      };
    });
    return {
      data,
      layout: {
        hovermode: "x unified",
        xaxis: { ...look, unifiedhovertitle: { text: `%{x:.1f}${look.ticksuffix}` }, visible },
        yaxis: { rangemode: "tozero", gridcolor: colour("grid"), zeroline: false, fixedrange: true, nticks: 5, visible, ...yaxis },
        ...(small ? { margin: { l: 0, r: 0, t: 4, b: 0 } } : {}),
      },
    };
  }
}

// Samples as at most `STEPS` of them: neighbours are added up.
function joined(samples) {
  const each = Math.ceil(samples.length / STEPS);
  if (each < 2) return samples;
  const steps = [];
  for (let at = 0; at < samples.length; at += each) {
    steps.push(samples.slice(at, at + each).reduce(sum));
  }
  return steps;
}

// What two samples are together; the second one is the later.
export function sum(first, second) {
  const both = {};
  for (const name of Object.keys(second)) both[name] = name === "end" ? second.end : first[name] + second[name];
  return both;
}

//   record    |====|        |==|              from `hot` to `recorded`
//   compile        |##===----|                forming, writing LLVM IR, LLVM
//   region                   ^    v    x      installed, removed, refused
//   code                              .       overwritten, exits that were told

const LANES = ["code", "region", "compile", "record"];
const KEPT = 30000;
const TOLD = 6; // lines of a tooltip
const MARKS = {
  installed: ["region", "good", "triangle-up"], removed: ["region", "interpreted", "triangle-down"], refused: ["region", "bad", "x"],
  overwritten: ["code", "bad", "circle"], exit: ["code", "compiling", "diamond"],
};

export class Timeline extends Chart {
  #bars = { record: [], compile: [] };
  #marks = [];
  #hot = null;
  #now = 0.1;
  #view = null; // [from, to] when somebody has zoomed
  #scale = 1;

  forget() {
    this.#bars = { record: [], compile: [] };
    this.#marks = [];
    this.#hot = this.#view = null;
    this.#now = 0.1;
  }

  add(rows) {
    for (const row of rows) {
      if (row.kind === "hot") this.#hot = row.seconds;
      else if (row.kind === "recorded") {
        const from = this.#hot ?? row.seconds;
        this.#bars.record.push({ from, to: row.seconds, parts: [["recording", row.seconds - from]], lines: [row.line] });
      } else if (row.kind === "compiled") {
        const parts = [["good", row.forming], ["interpreted", row.lowering], ["compiling", row.compiling]];
        const from = row.seconds - row.forming - row.lowering - row.compiling;
        this.#bars.compile.push({ from, to: row.seconds, parts, lines: [row.line], thorough: row.thorough });
      } else if (MARKS[row.kind]) this.#marks.push({ at: row.seconds, kind: row.kind, line: row.line });
      this.#now = Math.max(this.#now, row.seconds);
    }
    for (const list of [this.#bars.record, this.#bars.compile, this.#marks]) list.splice(0, list.length - KEPT);
    this.draw();
  }

  show(now) {
    if (now <= this.#now) return;
    this.#now = now;
    this.draw();
  }

  figure() {
    const [from, to] = this.#view ?? [0, this.#now];
    const { scale, look } = this.timeAxis(from, to);
    this.#scale = scale;
    const pixel = (to - from) / this.width;
    const traces = new Map();
    const draw = (meaning, lane, begin, end, text, width) => {
      if (!traces.has(meaning)) {
        traces.set(meaning, { type: "scatter", mode: "lines", x: [], y: [], text: [], hoverinfo: "text", line: { color: colour(meaning), width, simplify: false } });
      }
      const { x, y, text: texts } = traces.get(meaning);
      x.push(begin * scale, ((begin + end) / 2) * scale, end * scale, null);
      y.push(lane, lane, lane, null);
      texts.push(text, text, text, "");
    };
    const thick = (this.height - 28) / LANES.length - 9;
    for (const [lane, bars] of Object.entries(this.#bars)) {
      const y = LANES.indexOf(lane);
      for (const bar of merged(bars, from, to, pixel)) {
        const text = told(bar.lines);
        let begin = bar.from;
        for (const [meaning, seconds] of bar.parts) {
          draw(meaning, y, begin, begin + Math.max(seconds, 1.2 * pixel), text, thick);
          begin += seconds;
        }
        if (bar.thorough) draw("text", y - 0.42, bar.from, Math.max(bar.to, bar.from + pixel), text, 2);
      }
    }
    return {
      data: [...traces.values(), ...this.#markers(from, to, 6 * pixel)],
      layout: {
        margin: { l: 58, r: 8, t: 4, b: 22 }, hovermode: "closest", dragmode: matchMedia("(pointer: coarse)").matches ? false : "pan",
        xaxis: { ...look, fixedrange: false },
        yaxis: { range: [-0.5, LANES.length - 0.5], tickvals: LANES.map((_, at) => at), ticktext: LANES, showgrid: false, zeroline: false, fixedrange: true },
        shapes: LANES.map((_, at) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: at - 0.5, y1: at - 0.5, line: { color: colour("grid"), width: 1 } })),
        uirevision: String(this.#view),
      },
      config: { scrollZoom: true },
    };
  }

  #markers(from, to, wide) {
    const places = new Map();
    for (const { at, kind, line } of this.#marks) {
      if (at < from || at > to) continue;
      const key = `${kind} ${Math.floor(at / wide)}`;
      if (places.has(key)) places.get(key).lines.push(line);
      else places.set(key, { kind, at, lines: [line] });
    }
    return Object.entries(MARKS).map(([kind, [lane, meaning, symbol]]) => {
      const found = [...places.values()].filter((place) => place.kind === kind);
      return {
        type: "scatter", mode: "markers", x: found.map(({ at }) => at * this.#scale), y: found.map(() => LANES.indexOf(lane)),
        text: found.map(({ lines }) => told(lines)), hoverinfo: "text", marker: { symbol, color: colour(meaning), size: 9 },
      };
    });
  }

  // Once it is there: where somebody has zoomed or moved to, and back.
  drawn(box) {
    this.drawn = null;
    box.on("plotly_relayout", (change) => {
      const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (range[0] === undefined) return;
      const [from, to] = range.map((each) => each / this.#scale);
      const wide = Math.min(to - from, this.#now);
      const start = Math.max(0, Math.min(from, this.#now - wide));
      this.#view = wide >= this.#now ? null : [start, start + wide];
      this.draw();
    });
    box.on("plotly_doubleclick", () => {
      this.#view = null;
      this.draw();
    });
  }
}

// Bars in sight; those that end within a pixel of where the last one began are one with it.
function merged(bars, from, to, pixel) {
  const shown = [];
  for (const bar of bars) {
    if (bar.to < from || bar.from > to) continue;
    const last = shown.at(-1);
    if (last && bar.to - last.from < pixel) shown[shown.length - 1] = { ...last, to: bar.to, lines: [...last.lines.slice(-TOLD), ...bar.lines] };
    else shown.push(bar);
  }
  return shown;
}

// Lines for a tooltip. Plotly takes markup there, and labels may look like it.
function told(lines) {
  const last = lines.slice(-TOLD).map((line) => line.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"));
  return [...(lines.length > TOLD ? ["…"] : []), ...last].join("<br>");
}

// A click on a box shows it with what it calls: what comes then waits until all is shown again.
export class Calls extends Chart {
  #trace = null;
  #flip = "";
  #zoomed = false;

  show(trace) {
    this.#trace = trace;
    this.draw();
  }

  forget() {
    this.#zoomed = false;
    this.show(null);
  }

  turn() {
    this.#flip = this.#flip ? "" : "y";
    this.#zoomed = false;
    this.draw();
  }

  figure() {
    if (this.#zoomed) return null;
    const { tiling, ...trace } = this.#trace ?? { type: "icicle", ids: [], tiling: {} };
    return {
      data: [{ ...trace, tiling: { ...tiling, flip: this.#flip }, textfont: { color: "#17202b" } }],
      layout: { margin: { l: 0, r: 0, t: 2, b: 0 } },
    };
  }

  drawn(box) {
    if (box.hears) return;
    box.hears = true;
    box.on("plotly_icicleclick", ({ nextLevel, points }) => {
      const root = this.#trace?.ids[0];
      this.#zoomed = nextLevel !== undefined && nextLevel !== root && points[0].id !== root;
      if (!this.#zoomed) this.draw();
    });
  }
}
