// The debugger's panel: source with breakpoints in its margin, stacks, calls, memory, watches, commands.
// All that a button, a key or an edit does is a command of `jitvm debug`; what it answers is in the log.

import { fetchJson } from "./link.js";
import { cells, VirtualList } from "./list.js";
import { element, hex, placed, write } from "./text.js";

const LINE = 17;
const WIDTH = 16; // bytes in a line of memory
const BLOCK = 1024; // bytes that are asked for at once
const MOST_ROWS = 65536; // of memory
const BEFORE = 40, BEHIND = 300; // instructions around the one at hand
const LOG_KEPT = 2000;
const at = (id) => document.getElementById(id);

// Commands by lines and by instructions; keys without and with Shift.
const MOVES = {
  "step-in": { commands: ["step", "stepi"], keys: ["s", "F11"] },
  "step-over": { commands: ["next", "nexti"], keys: ["n", "F10"] },
  "step-out": { commands: ["finish", "finish"], keys: ["f", "Shift+F11"] },
  "back-go": { commands: ["reverse-continue", "reverse-continue"], keys: ["C"] },
  "back-in": { commands: ["reverse-step", "reverse-stepi"], keys: ["S"] },
  "back-over": { commands: ["reverse-next", "reverse-stepi"], keys: ["N"] },
  "back-out": { commands: ["reverse-finish", "reverse-finish"], keys: ["F"] },
};
const REASONS = { step: "stepped", pause: "interrupted", start: "at the start", ended: "ended", input: "waits for input", exception: "failed" };

export class Debugger {
  #send;
  #view = null;
  #isPaused = false;
  #frame = 0;
  #sources = new Map();
  #shown = null; // a file's number, or "code"
  #wants = "source"; // or "code", where somebody chose instructions
  #picked = null; // an address in the margin
  #asks = null; // the address of a breakpoint whose condition is to be typed
  #source;
  #memory;
  #blocks = new Map();
  #before = new Map(); // the same where it stood before
  #time = null;
  #space = 0;
  #log = [];
  #typed = [];
  #recalled = 0;

  constructor(send) {
    this.#send = send;
    this.#source = new VirtualList(at("debug-source"), { height: LINE, label: "Source", fill: (row, item) => this.#fillLine(row, item) });
    this.#memory = new VirtualList(at("debug-memory"), { height: LINE, label: "Memory", fill: (row, item) => this.#fillBytes(row, item) });
    this.#listen();
  }

  greet(hello) {
    at("debug").hidden = !hello.debug;
    for (const name of ["start", "pause"]) at(name).hidden = hello.debug;
  }

  forget() {
    this.#sources.clear();
    this.#shown = null;
  }

  // -- what comes in ------------------------------------------------------------------------------

  activity(activity) {
    const was = this.#isPaused;
    this.#isPaused = activity === "paused";
    at("debug").classList.toggle("running", !this.#isPaused);
    at("debug-go").disabled = activity !== "paused";
    at("debug-pause").disabled = !["running", "waiting"].includes(activity);
    if (!this.#isPaused) write(at("debug-why"), activity);
    if (this.#isPaused && !was) this.#again();
  }

  show(view) {
    this.#view = view;
    this.#frame = 0;
    this.#again();
  }

  tell(replies) {
    for (const { line, lines, error } of replies) {
      if (line) this.#log.push(["typed", `> ${line}`]);
      this.#log.push(...lines.map((text) => ["", text]), ...(error ? [["wrong", error]] : []));
    }
    this.#log = this.#log.slice(-LOG_KEPT);
    const box = at("debug-log");
    box.replaceChildren(...this.#log.map(([className, textContent]) => element("div", { className, textContent })));
    box.scrollTop = box.scrollHeight;
  }

  get #stopped() {
    return this.#isPaused ? this.#view?.stopped ?? null : null;
  }

  #again() {
    if (!this.#view) return;
    this.#showBreakpoints();
    this.#showWatches();
    this.#showFiles();
    this.#source.draw();
    if (!this.#stopped) return;
    this.#showWhy();
    this.#showStacks();
    this.#showCalls();
    this.#showSpaces();
    if (this.#time !== this.#stopped.time) this.#before = this.#blocks;
    this.#time = this.#stopped.time;
    this.#blocks = new Map();
    this.#memory.draw();
    this.#showPlace();
  }

  #showWhy() {
    const { reason, why, place, pc, text, line, time, horizon } = this.#stopped;
    const name = line ? placed(place, `${this.#view.files[line[0]]}:${line[1]}`) : place;
    const where = text ? (place.startsWith("0x") ? name : `${hex(pc)} ${name}`) : "between two events";
    const when = time === horizon ? `time ${time.toLocaleString("en-US")}` : `time ${time.toLocaleString("en-US")} of ${horizon.toLocaleString("en-US")}`;
    write(at("debug-why"), [why.join("; ") || REASONS[reason] || reason, where, when].join(" · "));
  }

  // -- source and instructions --------------------------------------------------------------------

  #showFiles() {
    const names = [...this.#view.files.map((name, i) => [String(i), name]), ["code", "instructions"]];
    const box = at("debug-file");
    if (box.options.length !== names.length) {
      box.replaceChildren(...names.map(([value, textContent]) => element("option", { value, textContent })));
    }
  }

  // The frame that is looked at: its address, and its line.
  get #here() {
    const [pc, , line] = this.#stopped?.frames[this.#frame] ?? [this.#stopped?.pc ?? 0, "", this.#stopped?.line ?? null];
    return { pc, line };
  }

  #showPlace() {
    const { pc, line } = this.#here;
    if (this.#wants === "code" || !line) this.#showCode(pc);
    else this.#showSource(line[0], line[1]);
  }

  async #showSource(file, line) {
    if (!this.#sources.has(file)) this.#sources.set(file, fetchJson(`debug/listing/${file}`));
    const found = await this.#sources.get(file);
    if (!found?.lines.length) return this.#showCode(this.#here.pc);
    if (this.#shown !== file) {
      this.#source.show(found.lines.map((text, i) => ({ number: String(i + 1), text, address: found.addresses[i + 1] ?? null, at: [file, i + 1] })));
    }
    this.#shown = file;
    at("debug-file").value = String(file);
    if (line) this.#source.reveal(line - 1);
  }

  async #showCode(pc) {
    const rows = this.#shown === "code" ? this.#source.items.filter((item) => item.address !== null) : [];
    const isKept = rows.some((item) => item.address === pc);
    const found = await fetchJson(isKept ? `debug/code/${rows[0].address}/0/${BEFORE + BEHIND}` : `debug/code/${pc}/${BEFORE}/${BEHIND}`);
    if (!found) return;
    const items = found.rows.flatMap(({ address, text, bytes, label }) => [
      ...(label ? [{ number: "", text: `@${label}`, address: null, at: null, isLabel: true }] : []),
      { number: hex(address), text: `  ${bytes.padEnd(8)} ${text}`, address, at: null },
    ]);
    this.#shown = "code";
    at("debug-file").value = "code";
    this.#source.show(items);
    this.#source.reveal(items.findIndex((item) => item.address === pc));
  }

  #fillLine(row, item) {
    row.style.gridTemplateColumns = "16px 40px 1fr";
    const here = this.#stopped ? this.#here : null;
    const isHere = here && (item.at ? here.line && item.at[0] === here.line[0] && item.at[1] === here.line[1] : item.address === here.pc);
    const found = this.#breakpointAt(item);
    cells(row, [found ? (found.condition ? "◆" : "●") : item.address === null ? "" : "·", item.number, item.text], ["mark", "at", ""]);
    row.children[0].title = item.address === null ? "" : found ? found.about : "click: stop here; right click: on a condition";
    row.children[0].className = `mark${found ? (found.enabled ? " set" : " off") : ""}`;
    row.children[2].className = item.isLabel ? "label" : "";
    row.classList.toggle("here", Boolean(isHere) && this.#frame === 0);
    row.classList.toggle("calls", Boolean(isHere) && this.#frame > 0);
    row.classList.toggle("lit", item.address !== null && item.address === this.#picked);
  }

  #breakpointAt({ address, at: place }) {
    if (address === null) return undefined;
    return this.#view?.breakpoints.find((each) =>
      each.addresses.includes(address) || (place && each.line && each.line[0] === place[0] && each.line[1] === place[1]));
  }

  #toggle(item) {
    if (!item || item.address === null) return;
    const found = this.#breakpointAt(item);
    this.#do(found ? `delete ${found.number}` : `break *${number(item.address)}`);
  }

  #askCondition(item) {
    if (!item || item.address === null) return;
    this.#asks = item.address;
    if (this.#breakpointAt(item)) this.#showBreakpoints();
    else this.#toggle(item);
  }

  // -- stacks, calls, breakpoints, watches --------------------------------------------------------

  #showStacks() {
    at("debug-stacks").replaceChildren(...this.#stopped.stacks.map(({ name, pointer, cells: bytes }) => {
      const head = element("button", { className: "name", title: "change the pointer", textContent: `${name} ${pointer}` });
      head.onclick = () => edit(head, String(pointer), (text) => this.#do(`set ${name} = ${text}`));
      const tops = [...bytes].reverse().map((byte, depth) => {
        const cell = element("button", { className: "byte", title: `${name}[${depth}]: ${byte}`, textContent: two(byte) });
        cell.onclick = () => edit(cell, two(byte), (text) => this.#do(`set ${name}[${depth}] = #${text}`));
        return cell;
      });
      const rest = pointer > bytes.length ? [`… ${pointer - bytes.length} more`] : [];
      return element("div", {}, head, ...(tops.length ? tops : ["empty"]), ...rest);
    }));
  }

  #showCalls() {
    at("debug-calls").replaceChildren(...this.#stopped.frames.map(([pc, name, line], i) => {
      const row = element("button", { className: i === this.#frame ? "chosen" : "", title: `${hex(pc)} ${name}` });
      row.append(element("span", { textContent: name }), element("small", { textContent: line ? `${this.#view.files[line[0]]}:${line[1]}` : hex(pc) }));
      row.onclick = () => {
        this.#frame = i;
        this.#showCalls();
        this.#showPlace();
        this.#source.draw();
      };
      return row;
    }));
  }

  #showBreakpoints() {
    const box = at("debug-breaks");
    if (box.contains(document.activeElement) && this.#asks === null) return; // somebody types
    const rows = this.#view.breakpoints.map((each) => {
      const on = element("input", { type: "checkbox", checked: each.enabled, title: "whether it stops" });
      on.setAttribute("aria-label", `breakpoint ${each.number} stops`);
      on.onchange = () => this.#do(`${on.checked ? "enable" : "disable"} ${each.number}`);
      const place = each.line ? `${this.#view.files[each.line[0]]}:${each.line[1]}` : each.what;
      const name = element("button", { textContent: each.kind === "breakpoint" ? place : `${each.kind} ${each.what}`, title: each.about });
      name.onclick = () => each.line && this.#showSource(...each.line);
      const condition = element("input", { value: each.condition, placeholder: "condition", spellcheck: false });
      condition.setAttribute("aria-label", `condition of breakpoint ${each.number}`);
      condition.onchange = () => {
        condition.blur();
        this.#do(`condition ${each.number} ${condition.value}`);
      };
      const gone = element("button", { textContent: "✕", title: `delete breakpoint ${each.number}` });
      gone.onclick = () => this.#do(`delete ${each.number}`);
      return element("div", {}, on, name, condition, element("small", { textContent: `${each.hits}×`, title: "hits" }), gone);
    });
    box.replaceChildren(...(rows.length ? rows : [element("span", { className: "muted", textContent: "click into the margin of the source" })]));
    const asked = this.#view.breakpoints.findIndex((each) => each.addresses.includes(this.#asks));
    if (asked >= 0) {
      this.#asks = null;
      rows[asked].querySelector("input:not([type])").focus();
    }
  }

  #showWatches() {
    at("debug-watches").replaceChildren(...this.#view.watches.map(([text, value], i) => {
      const shown = element("button", { className: "byte", textContent: value, title: `change ${text}` });
      shown.onclick = () => edit(shown, value.split(" ")[0], (typed) => this.#do(`set ${text} = ${typed}`));
      const gone = element("button", { textContent: "✕", title: `watch ${text} no more` });
      gone.onclick = () => this.#do(`undisplay ${i + 1}`);
      return element("div", {}, element("span", { className: "mono", textContent: text }), shown, gone);
    }));
  }

  // -- memory -------------------------------------------------------------------------------------

  #showSpaces() {
    const { spaces } = this.#view;
    const box = at("debug-space");
    if (box.options.length !== spaces.length) {
      box.replaceChildren(...spaces.map(({ name }, i) => element("option", { value: String(i), textContent: name })));
      box.value = String(this.#view.code);
      this.#chooseSpace(this.#view.code);
    }
  }

  #chooseSpace(space) {
    this.#space = space;
    this.#blocks = new Map();
    this.#before = new Map();
    const rows = Math.min(Math.ceil(this.#view.spaces[space].size / WIDTH), MOST_ROWS);
    this.#memory.show(Array.from({ length: rows }, (_, i) => i * WIDTH));
  }

  #bytes(blocks, start) {
    const block = blocks.get(start - (start % BLOCK));
    return typeof block === "string" ? block.substr(2 * (start % BLOCK), 2 * WIDTH) : "";
  }

  async #load(start) {
    const blocks = this.#blocks, from = start - (start % BLOCK);
    if (blocks.has(from)) return;
    blocks.set(from, null); // it was asked for
    const found = await fetchJson(`debug/memory/${this.#space}/${from}/${BLOCK}`);
    if (!found) return;
    blocks.set(from, found.bytes);
    if (blocks === this.#blocks) this.#memory.draw();
  }

  #fillBytes(row, start) {
    if (this.#stopped) this.#load(start);
    if (row.querySelector("input")) return; // somebody types into it
    const text = this.#bytes(this.#blocks, start) || this.#bytes(this.#before, start), old = this.#bytes(this.#before, start);
    const pairs = text.match(/../g) ?? [];
    row.style.gridTemplateColumns = `44px repeat(${WIDTH}, 14px) 1fr`;
    const letters = pairs.map((pair) => (/^[2-6]|^7[^f]/.test(pair) ? String.fromCharCode(parseInt(pair, 16)) : "·"));
    cells(row, [hex(start), ...Array.from({ length: WIDTH }, (_, i) => pairs[i] ?? ""), letters.join("")], ["at"]);
    pairs.forEach((pair, i) => {
      const isNew = old && pair !== old.substr(2 * i, 2);
      row.children[i + 1].className = `byte${isNew ? " changed" : pair === "00" ? " dim" : ""}`;
    });
  }

  #editByte(cell, address) {
    const { prefix, size } = this.#view.spaces[this.#space];
    if (address >= size) return;
    edit(cell, cell.textContent, (text) => this.#do(`set ${prefix}[${number(address)}] = #${text}`));
  }

  #goTo(text) {
    const address = parseInt(text.replace(/^(0x|#)/i, ""), 16);
    if (Number.isNaN(address)) return;
    const top = Math.floor(address / WIDTH) * LINE;
    this.#memory.box.scrollTop = top;
    this.#memory.draw();
  }

  // -- what somebody does -------------------------------------------------------------------------

  #do(command) {
    this.#send({ do: "debug", command });
  }

  #goOn() {
    this.#send({ do: "start" });
  }

  #listen() {
    for (const [name, { commands, keys }] of Object.entries(MOVES)) {
      at(name).onclick = () => this.#do(commands[at("debug-unit").value === "line" ? 0 : 1]);
      at(name).title += ` (${keys.join(", ")})`;
    }
    at("debug-go").onclick = () => this.#goOn();
    at("debug-pause").onclick = () => this.#send({ do: "pause" });
    document.addEventListener("keydown", (event) => this.#key(event));
    const source = this.#source.box;
    const itemOf = (event) => this.#source.items[event.target.closest(".row")?.index];
    source.addEventListener("click", (event) => {
      const item = itemOf(event);
      if (!item) return;
      this.#picked = item.address;
      if (event.target.matches(".mark, .at")) this.#toggle(item);
      this.#source.draw();
    });
    source.addEventListener("contextmenu", (event) => {
      if (!event.target.matches(".mark, .at")) return;
      event.preventDefault();
      this.#askCondition(itemOf(event));
    });
    source.addEventListener("keydown", (event) => this.#keyInSource(event));
    this.#memory.box.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      const index = row ? [...row.children].indexOf(event.target) : -1;
      if (this.#stopped && index > 0 && index <= WIDTH) this.#editByte(event.target, this.#memory.items[row.index] + index - 1);
    });
    at("debug-file").onchange = ({ target }) => {
      this.#wants = target.value === "code" ? "code" : "source";
      if (this.#wants === "code") this.#showCode(this.#here.pc);
      else this.#showSource(Number(target.value), 0);
    };
    at("debug-space").onchange = ({ target }) => this.#chooseSpace(Number(target.value));
    at("debug-address").onchange = ({ target }) => this.#goTo(target.value);
    at("debug-watch").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(`display ${at("debug-expression").value}`);
      at("debug-expression").value = "";
    });
    this.#listenToCommands();
  }

  #listenToCommands() {
    const box = at("debug-line");
    at("debug-command").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!box.value.trim()) return;
      this.#typed.push(box.value);
      this.#recalled = this.#typed.length;
      this.#do(box.value);
      box.value = "";
    });
    box.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by) return;
      this.#recalled = Math.max(0, Math.min(this.#recalled + by, this.#typed.length));
      box.value = this.#typed[this.#recalled] ?? "";
      event.preventDefault();
    });
  }

  #key(event) {
    if (at("debug").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const isFunction = /^F\d+$/.test(event.key);
    if (!isFunction && event.target.matches("input, select, canvas, textarea")) return;
    const key = isFunction && event.shiftKey ? `Shift+${event.key}` : event.key;
    const move = Object.keys(MOVES).find((name) => MOVES[name].keys.includes(key));
    const name = move ?? { c: "debug-go", p: "debug-pause", F8: this.#isPaused ? "debug-go" : "debug-pause" }[key];
    if (!name) return;
    event.preventDefault();
    if (name === "debug-go") this.#goOn(); // the page may not know yet that it has stopped
    else at(name).click();
  }

  #keyInSource(event) {
    const { items } = this.#source;
    const index = items.findIndex((item) => item.address !== null && item.address === this.#picked);
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      let next = index >= 0 ? index + by : items.findIndex((item) => item.address !== null);
      while (items[next] && items[next].address === null) next += by;
      if (!items[next]) return;
      this.#picked = items[next].address;
      this.#source.reveal(next);
    } else if (event.key === "b") this.#toggle(items[index]);
    else if (event.key === "i") this.#askCondition(items[index]);
    else if (event.key === "u" && index >= 0) this.#do(`until *${number(this.#picked)}`);
    else return;
    event.preventDefault();
  }
}

const two = (byte) => byte.toString(16).padStart(2, "0");
const number = (address) => `0x${hex(address)}`;

// Have a text changed in its place; Enter takes it, Escape or going elsewhere leaves it.
function edit(cell, text, take) {
  const box = element("input", { className: "edit", value: text, spellcheck: false });
  box.setAttribute("aria-label", cell.title || "a new value");
  box.style.width = `${Math.max(2, text.length) + 2}ch`;
  const leave = () => {
    box.onblur = null;
    box.replaceWith(cell);
  };
  box.onblur = leave;
  box.onkeydown = (event) => {
    if (event.key === "Enter" && box.value.trim()) take(box.value.trim());
    if (["Enter", "Escape"].includes(event.key)) leave();
    event.stopPropagation();
  };
  cell.replaceWith(box);
  box.focus();
  box.select();
}
