// The page: what comes from the socket goes into `state`, and from there into the panels.

import { Area, Calls, sum, Timeline } from "./charts.js";
import { Debugger } from "./debug.js";
import { Graph } from "./graph.js";
import { Heat, LEGEND } from "./heat.js";
import { Link } from "./link.js";
import { cells, Table, VirtualList } from "./list.js";
import { Program } from "./program.js";
import { RegionView } from "./region.js";
import { clock, colour, element, forgetColours, hex, legend, percent, placed, short, whole, write } from "./text.js";

const LOG_KEPT = 20000;
const HEAT = 2, SCREEN = 1;
const at = (id) => document.getElementById(id);

const state = {
  hello: null, columns: [], reasons: {}, samples: [], regions: new Map(), totals: {},
  activity: "", now: 0, graph: { nodes: [], edges: [] }, params: {}, log: [], missed: 0,
};

// -- panels ---------------------------------------------------------------------------------------

const link = new Link({ message: receive, binary: receiveBinary, closed });
const program = new Program((command) => link.send(command));
const view = new RegionView();
const debug = new Debugger((command) => link.send(command));
const timeline = new Timeline(at("timeline"));
const calls = new Calls(at("calls"));
const compared = { before: new Calls(at("calls-before")), after: new Calls(at("calls-after")) };
const heat = new Heat(at("heat"));
const graph = new Graph(at("graph"), (region) => choose(region));

// Native instructions are all there were only where they were counted all the time.
const isCounted = (sample) => sample.counted > 0.999 * sample.span;
const rate = (name) => (sample) => sample[name] / (sample.span || 1);
// Of instructions where all are counted, else of the time guest code ran; null where none did.
function shareOf(sample) {
  const [part, all] = isCounted(sample)
    ? [sample.native, sample.native + sample.interpreted]
    : [sample.in_native, sample.running - sample.devices];
  return all > 0 ? part / all : null;
}
// Of many: all of one measure, or all of the other.
const shareOfAll = (samples) => (samples.length ? shareOf(samples.reduce(sum)) : null);
const part = (value) => (sample) => value(sample) / (sample.span || 1);

const shareChart = new Area(at("share-history"), {
  small: true, yaxis: { range: [0, 1] }, tell: (value) => `native ${percent(value)} %`,
  layers: [{ meaning: "native", name: "native", value: shareOf }],
});
const speedChart = new Area(at("speed"), {
  yaxis: { tickformat: "~s" }, tell: (value) => `${short(value)} a second`,
  layers: [
    { meaning: "interpreted", name: "interpreter", value: rate("interpreted") },
    { meaning: "native", name: "native", value: (sample) => (isCounted(sample) ? rate("native")(sample) : null) },
  ],
});
const STATES = [
  { meaning: "native", name: "native code, hand-over", value: (sample) => sample.in_native },
  { meaning: "compiling", name: "Python devices", value: (sample) => sample.devices },
  { meaning: "interpreted", name: "interpreting", value: (sample) => sample.interpreting },
  { meaning: "recording", name: "recording", value: (sample) => sample.recording },
  { meaning: "waiting", name: "waiting", value: (sample) => sample.waiting },
  { meaning: "paused", name: "paused", value: (sample) => sample.paused },
];
const statesChart = new Area(at("states"), {
  yaxis: { range: [0, 1.03], tickvals: [0, 0.5, 1], tickformat: ".0%" }, tell: (value) => `${percent(value)} %`,
  layers: STATES.map((each) => ({ ...each, value: part(each.value) })),
});

const regions = new Table(at("regions"), {
  label: "Regions", sort: 5, empty: "no region is installed", choose: (region) => choose(region), key: (region) => region.number,
  decorate: (row, region) => {
    row.title = placed(region.label, region.line);
    row.classList.toggle("new", state.now - region.born < 1.5 && state.activity === "running");
  },
  columns: [
    { title: "#", width: "42px", right: true, value: (r) => r.number, text: (r) => String(r.number), about: "numbers rise with each installation" },
    { title: "label", width: "minmax(90px,1fr)", text: (r) => placed(r.label, r.line), about: "where it is entered" },
    { title: "at", width: "38px", value: (r) => r.start, text: (r) => hex(r.start) },
    { title: "size", width: "46px", right: true, value: (r) => r.size, text: (r) => whole(r.size), about: "guest instructions, copies counted" },
    { title: "executed", width: "92px", right: true, value: (r) => r.executed, text: (r) => (!r.executed && !state.totals.counting ? "–" : whole(r.executed).length > 13 ? short(r.executed) : whole(r.executed)), part: (r) => r.executed / (state.mostExecuted || 1), about: "guest instructions executed in it; needs exact counts" },
    { title: "left", width: "52px", right: true, value: (r) => r.left, text: (r) => short(r.left), about: "how often it was left" },
    { title: "an entry", width: "54px", right: true, value: perEntry, text: (r) => (r.left && r.executed ? short(perEntry(r)) : "–"), about: "instructions executed for each time it was left" },
    { title: "ms", width: "42px", right: true, value: compileMs, text: (r) => (r.kept ? "kept" : compileMs(r).toFixed(0)), about: "time to make it" },
    { title: "", width: "18px", text: (r) => (r.polished ? "★" : ""), value: (r) => (r.polished ? 1 : 0), about: "★ its second, full compilation is done" },
  ],
});
const reasonText = (row, side) => state.reasons[row[1]]?.[side] ?? "";
const exits = new Table(at("exits"), {
  label: "Exits", sort: 4, empty: "no exit was taken", choose: ([number]) => choose(state.regions.get(number)),
  decorate: (row, item) => { row.title = `${item[1]}: ${reasonText(item, 0)}\n${reasonText(item, 1)}`; },
  columns: [
    { title: "region", width: "minmax(0,1fr)", value: (e) => nameOf(e[0]), text: (e) => nameOf(e[0]) },
    { title: "reason", width: "84px", text: (e) => e[1] },
    { title: "to", width: "minmax(0,1fr)", value: (e) => e[2] ?? -1, text: (e) => placed(e[4], e[5]) },
    { title: "what to do", width: "minmax(0,1.4fr)", text: (e) => reasonText(e, 1) },
    { title: "times", width: "84px", right: true, value: (e) => e[3], text: (e) => whole(e[3]), part: (e) => e[3] / (state.mostExits || 1) },
  ],
});
const KINDS = { refused: "not compiled", overwritten: "overwritten", failing: "failing guard", left: "left", limit: "cut short" };
const aborts = new Table(at("aborts"), {
  label: "Not native", sort: 3, empty: "nothing was refused, overwritten, cut short, or left for a reason that can be helped",
  decorate: (row, item) => { row.title = `${item[1]}: ${reasonText(item, 0)}\n${reasonText(item, 1)}`; },
  columns: [
    { title: "what", width: "86px", text: (a) => KINDS[a[0]] },
    { title: "reason", width: "92px", text: (a) => a[1] },
    { title: "at", width: "minmax(100px,.7fr)", value: (a) => a[2], text: (a) => placed(a[4], a[5]) },
    { title: "times", width: "64px", right: true, value: (a) => a[3], text: (a) => short(a[3]), about: "how often; for limits, how much recorded travel was cut off" },
    { title: "because", width: "minmax(0,1fr)", text: (a) => reasonText(a, 0) },
    { title: "what to do", width: "minmax(0,1fr)", text: (a) => reasonText(a, 1) },
  ],
});
const points = (part) => `${(100 * part).toFixed(1)}`;
const routines = new Table(at("routines"), {
  label: "Routines", sort: 3, empty: "neither run has a routine", key: (r) => r[0],
  decorate: (row, item) => row.classList.toggle("unclear", !item[7]),
  columns: [
    { title: "routine", width: "minmax(120px,1fr)", text: (r) => r[0] },
    { title: "before %", width: "80px", right: true, value: (r) => r[1], text: (r) => points(r[1]), part: (r) => r[1], about: "in the routine itself" },
    { title: "after %", width: "80px", right: true, value: (r) => r[2], text: (r) => points(r[2]), part: (r) => r[2] },
    { title: "change", width: "70px", right: true, value: (r) => Math.abs(r[5]), text: (r) => `${r[5] > 0 ? "+" : ""}${points(r[5])}`, about: "points; sorts by how large it is" },
    { title: "±", width: "50px", right: true, value: (r) => r[6], text: (r) => points(r[6]), about: "by how much chance may have moved it, in 19 of 20 cases" },
    { title: "", width: "100px", value: (r) => Number(r[7]), text: (r) => (r[7] ? "" : "may be chance"), about: "whether chance alone may explain it" },
    { title: "with what it calls", width: "140px", right: true, value: (r) => r[4], text: (r) => `${points(r[3])} to ${points(r[4])}` },
  ],
});
const log = new VirtualList(at("log"), {
  height: 17, label: "Events",
  fill: (row, line) => {
    row.style.gridTemplateColumns = "auto";
    cells(row, [line]);
  },
});

function perEntry(region) { return region.executed / (region.left || 1); }
function compileMs(region) { return region.ms.reduce((sum, each) => sum + each, 0); }
const nameOf = (number) => state.regions.get(number)?.label ?? `#${number}`;

// -- what comes in --------------------------------------------------------------------------------

function receive(message) {
  if (message.type === "hello") return greet(message);
  if (message.type === "refused") return notice(message.why);
  if (message.fresh) {
    forget();
    debug.forget();
  }
  if (message.debug) debug.show(message.debug);
  if (message.replies) debug.tell(message.replies);
  if (message.now !== undefined) state.now = message.now;
  if (message.activity) showActivity(message.activity);
  if (message.trouble) notice(message.trouble);
  if (message.totals) state.totals = message.totals;
  if (message.series) takeSamples(message.series);
  if (message.regions) takeRegions(message.regions);
  if (message.events) takeEvents(message.events);
  if (message.console) program.print(message.console);
  if (message.graph) state.graph = message.graph;
  if (message.exits) {
    state.mostExits = Math.max(1, ...message.exits.map((row) => row[3]));
    exits.show(message.exits);
  }
  if (message.aborts) aborts.show(message.aborts);
  if (message.calls) showCalls(message.calls);
  if (message.comparison) showComparison(message.comparison);
  if (message.graph || message.regions) showGraph();
  if (message.params) showParams(message.params);
  if ("at" in message) showPlace(message.at);
  showFigures();
}

function receiveBinary(data) {
  if (data.getUint8(0) === SCREEN) program.picture(data);
  else if (data.getUint8(0) === HEAT) {
    heat.show(new Uint8Array(data.buffer, 1));
    at("memory-about").textContent = heat.about;
  }
}

function greet(hello) {
  state.hello = hello;
  state.columns = hello.columns;
  state.reasons = view.reasons = hello.reasons;
  document.title = `${hello.name} · jitvm`;
  at("name").textContent = hello.name;
  document.body.classList.toggle("compares", Boolean(hello.compares));
  at("comparison").hidden = !hello.compares;
  at("controls").hidden = !hello.live;
  at("controls").style.display = hello.live ? "" : "none";
  at("input").hidden = !hello.input;
  at("program-about").textContent = hello.attached ? "what it shows and prints stays where it was started" : "";
  at("exact").disabled = !hello.live || hello.debug;
  debug.greet(hello);
  at("notice").textContent = "";
  makeParams(hello.params, hello.live);
  forget();
}

function forget() {
  view.forget();
  state.byHand = false;
  state.samples = [];
  state.regions.clear();
  state.log = [];
  state.missed = 0;
  state.graph = { nodes: [], edges: [] };
  timeline.forget();
  calls.forget();
  for (const table of [regions, exits, aborts]) table.forget(state.hello.live ? "…" : "not known: this file has no end");
  for (const chart of [shareChart, speedChart, statesChart]) chart.show([]);
}

function closed() {
  showActivity("offline");
}

function takeSamples({ from, rows }) {
  state.samples.length = Math.min(state.samples.length, from);
  for (const row of rows) state.samples.push(Object.fromEntries(state.columns.map((name, i) => [name, row[i]])));
  for (const chart of [shareChart, speedChart, statesChart]) chart.show(state.samples);
  timeline.show(state.now);
}

function takeRegions(news) {
  if (news.whole) state.regions.clear();
  const shown = state.regions.get(view.number);
  for (const number of news.removed) state.regions.delete(number);
  for (const region of news.added) {
    state.regions.set(region.number, { ...region, left: 0, executed: 0, polished: 0 });
  }
  for (const [number, left, executed, polished] of news.counts) {
    const region = state.regions.get(number);
    if (region) Object.assign(region, { left, executed, polished });
  }
  state.mostExecuted = 1;
  for (const region of state.regions.values()) state.mostExecuted = Math.max(state.mostExecuted, region.executed);
  regions.show([...state.regions.values()]);
  at("regions-about").textContent = `${whole(state.regions.size)} installed, ${whole(state.totals.bytes ?? 0)} bytes of code`;
  // What is shown was made anew: show what took its place.
  const heir = shown && !state.regions.has(shown.number) && news.added.find((each) => each.start === shown.start);
  if (heir) choose(state.regions.get(heir.number), graph.selected === shown.number);
  if (!state.byHand) chooseHottest();
}

// Until somebody chooses a region: the one that matters most is shown.
function chooseHottest() {
  const weight = (region) => region?.executed || region?.left || 0;
  const all = [...state.regions.values()];
  if (!all.length) return;
  const hottest = all.reduce((a, b) => (weight(b) > weight(a) ? b : a));
  const isBetter = weight(hottest) > 10 * weight(state.regions.get(view.number));
  if (isBetter || (view.number === null && (state.now > 2 || !state.hello.live))) choose(hottest, false);
}

function takeEvents({ missed, rows }) {
  state.missed += missed;
  timeline.add(rows);
  for (const row of rows) state.log.push(row.line);
  if (state.log.length > LOG_KEPT) state.log = state.log.slice(-LOG_KEPT);
  const follow = log.atEnd;
  log.show(state.log);
  if (follow) requestAnimationFrame(() => log.toEnd());
  at("log-about").textContent = `${whole(state.totals.events ?? state.log.length)} in all` + (state.missed ? `, ${whole(state.missed)} too fast to show` : "");
}

// -- what is shown --------------------------------------------------------------------------------

function showActivity(activity) {
  state.activity = activity;
  debug.activity(activity);
  const pill = at("activity");
  pill.textContent = activity;
  pill.dataset.is = activity;
  const over = ["ended", "failed", "saved", "offline"].includes(activity);
  at("start").disabled = over || activity !== "paused";
  at("pause").disabled = over || activity === "paused";
  at("step").disabled = over;
}

function figures(box, rows) {
  while (box.children.length > rows.length) box.lastChild.remove();
  while (box.children.length < rows.length) box.append(element("div", {}, element("dt"), element("dd")));
  rows.forEach(([name, value], i) => {
    write(box.children[i].firstChild, name);
    write(box.children[i].lastChild, value);
  });
}

const COUNTS = [
  ["recordings", "recordings"], ["installed", "installed"], ["kept", "kept from an earlier run"],
  ["invalidated", "invalidated"], ["rejected", "rejected"],
];

function showFigures() {
  const { activity, totals, samples } = state;
  write(at("clock"), state.now ? clock(state.now) : "");
  if (totals.executed === undefined) return;
  const recent = samples.filter((s) => s.end > state.now - 1.2 && s.running > 0);
  const isLive = recent.length > 0 && ["running", "waiting"].includes(activity);
  const now = isLive ? shareOfAll(recent) : null;
  const overall = totals.counted ? (totals.executed ? totals.native / totals.executed : null) : shareOfAll(samples);
  const isExact = now === null ? totals.counted : recent.every(isCounted);
  const shown = now ?? overall;
  write(at("share-number"), shown === null ? "–" : `${isExact ? "" : "≈"}${percent(shown)}`);
  write(at("share-unit"), shown === null ? "" : now === null ? " % of the run" : " % now");
  write(at("share-about"), isExact ? "of instructions" : "of time, estimated");
  at("exact").checked = totals.wanted;
  write(at("exact-about"), totals.wanted === totals.counting ? "" : ", from Restart on");
  figures(at("figures"), [
    ["whole run", overall === null ? "–" : `${totals.counted ? "" : "≈ "}${percent(overall)} %`],
    ["interpreted", short(totals.executed - totals.native)],
    ["native", totals.counted ? short(totals.native) : totals.native ? `over ${short(totals.native)}` : "not counted"],
    ["regions", whole(totals.regions)],
  ]);
  const seconds = recent.reduce((total, sample) => total + sample.span, 0) || 1;
  const speed = (name) => (isLive ? `${short(recent.reduce((total, sample) => total + sample[name], 0) / seconds)}/s` : "");
  const isKnown = recent.length ? recent.every(isCounted) : totals.counting;
  legend(at("speed-legend"), [["native", isKnown ? "native" : "native (not counted)", isKnown ? speed("native") : ""], ["interpreted", "interpreter", speed("interpreted")]]);
  const all = samples.length ? samples.reduce(sum) : null;
  legend(at("states-legend"), STATES.map((each) => [each.meaning, each.name, all ? `${percent(part(each.value)(all))} %` : "–"]));
  figures(at("totals"), [
    ...COUNTS.filter(([key]) => key in totals).map(([key, name]) => [name, whole(totals[key])]),
    ...("compile_seconds" in totals ? [["compiling", `${totals.compile_seconds.toFixed(2)} s`]] : []),
    ["code", `${whole(totals.bytes)} bytes`],
    ...(totals.devices ?? []).map(([port, kind, calls, seconds]) =>
      [`device ${port.toString(16).padStart(2, "0")}, ${kind}`, `≈ ${short(calls)} ${calls === 1 ? "call" : "calls"}, ${seconds < 0.05 ? "<0.1" : seconds.toFixed(1)} s`]),
    ...Object.entries(totals.kinds ?? {}).map(([kind, count]) => [`event: ${kind}`, whole(count)]),
    ...(totals.errors ?? []).map((error) => ["bug in jitvm", error]),
  ]);
  write(at("viewers"), totals.viewers > 1 ? `${totals.viewers} viewers` : "");
}

function showCalls({ samples = 0, trace = null }) {
  calls.show(trace);
  write(at("calls-about"), trace ? `${whole(samples)} samples; a click on a box shows it with what it calls` : "no sample yet");
}

function showComparison(both) {
  for (const side of ["before", "after"]) {
    const { title, samples, trace } = both[side];
    compared[side].show(trace);
    write(at(`${side}-name`), title);
    write(at(`${side}-about`), `${whole(samples)} samples${side === "after" ? "; red: a larger share than before, blue: a smaller one" : ""}`);
  }
  routines.show(both.routines);
}

function showGraph() {
  graph.show(state.graph, state.regions);
  const { nodes = [], hidden = 0 } = state.graph;
  at("graph-about").textContent = nodes.length ? (hidden ? `the ${nodes.length} most executed of ${whole(nodes.length + hidden)}` : "in the order of memory") : "";
}

function showPlace(place) {
  const box = at("place");
  if (!place) {
    const hint = { running: "pause it to see where it is", waiting: "pause it to see where it is", ended: "it has ended", failed: "it has failed" };
    box.replaceChildren(element("span", { className: "muted", textContent: hint[state.activity] ?? "" }));
    return;
  }
  const stacks = place.stacks.map((stack, i) => `stack ${i}  ${stack.top.map((b) => b.toString(16).padStart(2, "0")).join(" ")}|  ${stack.pointer} bytes`);
  box.replaceChildren(element("div", { className: "mono", textContent: [`${hex(place.pc)}  ${place.text}`, placed(place.label, place.line), ...stacks].join("\n") }));
}

function makeParams(rows, live) {
  const table = element("table");
  for (const row of rows) {
    const input = element("input", { type: "number", min: row.low, max: row.high, name: row.name, disabled: !live || row.name === "keep_text" });
    input.setAttribute("aria-label", `${row.name}, ${row.unit}`);
    input.addEventListener("change", () => link.send({ do: "set", name: row.name, value: input.value }));
    const line = element("tr", { title: `${row.low} to ${row.high} ${row.unit}, default ${row.default}` },
      element("td", { textContent: row.name }), element("td", {}, input),
      element("td", { className: "muted", textContent: row.unit }), element("td", { className: "why", textContent: row.why }));
    line.dataset.default = row.default;
    table.append(line);
  }
  at("params").replaceChildren(table);
}

function showParams(params) {
  for (const [name, value] of Object.entries(params)) {
    const input = at("params").querySelector(`input[name="${name}"]`);
    if (!input) continue;
    if (document.activeElement !== input || !input.validity.valid) input.value = value;
    const line = input.closest("tr");
    line.classList.toggle("changed", String(value) !== line.dataset.default);
  }
}

let hush = 0;
function notice(text) {
  at("notice").textContent = text;
  clearTimeout(hush);
  hush = setTimeout(() => { at("notice").textContent = ""; }, 6000);
}

// -- what somebody does ---------------------------------------------------------------------------

function choose(region, byHand = true) {
  if (!region) return;
  regions.select(region.number);
  if (byHand) {
    graph.selected = region.number;
    state.byHand = true;
  }
  graph.draw();
  view.show(region);
}

at("start").onclick = () => link.send({ do: "start" });
at("pause").onclick = () => link.send({ do: "pause" });
at("step").onclick = () => link.send({ do: "step", instructions: Number(at("step-size").value) });
at("restart").onclick = () => link.send({ do: "restart" });
at("exact").onchange = (event) => link.send({ do: "count", on: event.target.checked });
at("regions-filter").oninput = (event) => {
  const wanted = event.target.value.toLowerCase();
  regions.filter = wanted ? (region) => region.label.toLowerCase().includes(wanted) : null;
  regions.again();
};
at("calls-turn").onclick = () => calls.turn();
at("comparison-turn").onclick = () => Object.values(compared).forEach((each) => each.turn());
at("by-line").onchange = (event) => view.readByLine(event.target.checked);
at("memory-all").onchange = (event) => {
  heat.all = event.target.checked;
  heat.draw();
  at("memory-about").textContent = heat.about;
};

// Counts of the region that is shown, every now and then while it runs.
setInterval(() => {
  const region = state.regions.get(view.number);
  if (region && state.activity === "running" && !document.hidden) view.show(region);
}, 2000);

// -- theme ----------------------------------------------------------------------------------------

const wantsLight = matchMedia("(prefers-color-scheme: light)");
const THEMES = ["system", "dark", "light"];
let theme = localStorage.getItem("jitvm-theme") ?? "system";
function showTheme() {
  document.documentElement.dataset.theme = theme === "system" ? (wantsLight.matches ? "light" : "dark") : theme;
  at("theme").textContent = `Theme: ${theme}`;
  forgetColours();
  legend(at("heat-legend"), LEGEND);
  legend(at("graph-legend"), [["native", "link into another region: left arcs go down in memory, right ones up"], ["interpreted", "to the interpreter"]]);
  for (const each of [shareChart, speedChart, statesChart, timeline, calls, compared.before, compared.after, heat, graph]) each.draw();
  showFigures();
}
at("theme").onclick = () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  localStorage.setItem("jitvm-theme", theme);
  showTheme();
};
wantsLight.addEventListener("change", showTheme);
showTheme();
