// One region at every stage, side by side. Lines of the same guest address light up together.

import { fetchJson } from "./link.js";
import { cells, VirtualList } from "./list.js";
import { element, hex, several, short, whole } from "./text.js";

const LINE = 17;
const PC = /\bpc #(\d+)/;
const at = (id) => document.getElementById(id);

export class RegionView {
  #number = null;
  #reasons = {};
  #lit = null;
  #lists;
  #start = null;
  #found = null;
  #byLine = false;

  constructor() {
    const list = (id, label, fill, line) => {
      const made = new VirtualList(at(id), { height: LINE, label, fill });
      made.box.addEventListener("click", (event) => {
        const row = event.target.closest(".row");
        if (row) this.#light(line(made.items[row.index]));
      });
      made.box.addEventListener("keydown", (event) => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (by && this.#step(made, by, line)) event.preventDefault();
      });
      return made;
    };
    const plain = (row, text) => {
      row.style.gridTemplateColumns = "auto";
      cells(row, [text]);
      row.firstChild.className = /^\s*;|^[\w.$"]+:/.test(text) ? "label" : "";
    };
    this.#lists = {
      guest: list("guest", "Guest code", (row, item) => this.#guest(row, item), (item) => item?.address),
      ir: list("ir", "Region IR", (row, item) => this.#ir(row, item), (item) => this.#address(item)),
      llvm: list("llvm", "LLVM IR", plain, () => null),
      assembly: list("assembly", "Assembly", plain, () => null),
    };
  }

  set reasons(reasons) {
    this.#reasons = reasons;
  }

  get number() {
    return this.#number;
  }

  forget() {
    this.#number = null;
  }

  async show(region) {
    const isOther = region.number !== this.#number;
    this.#number = region.number;
    const found = await fetchJson(`region/${region.number}`);
    if (this.#number !== region.number) return;
    if (!found) {
      at("region-about").textContent = `#${region.number} ${region.label} is gone; what is below was its last state`;
      return;
    }
    this.#start = found.start;
    at("region-about").textContent =
      `#${found.number} ${found.label} (${hex(found.start)}): ${several(region.size, "instruction")}, ${whole(region.bytes)} bytes of code, ` +
      (region.kept ? "kept from an earlier run" : `made in ${region.ms.map((each) => each.toFixed(1)).join(" + ")} ms (forming, writing LLVM IR, LLVM)`);
    this.#chips(found);
    this.#found = found;
    this.#showGuest();
    this.#lists.ir.show(found.ir);
    this.#lists.llvm.show(found.llvm.length ? found.llvm : ["", "  not kept"]);
    if (!isOther) return;
    for (const each of Object.values(this.#lists)) each.box.scrollTop = 0;
    this.#lists.assembly.show(["", "  …"]);
    const assembly = await fetchJson(`region/${region.number}/assembly`);
    if (this.#number === region.number) this.#lists.assembly.show(assembly?.length ? assembly : ["", "  not kept"]);
  }

  #chips(found) {
    const limits = found.limits.map(([reason, travel]) => this.#chip("limit", reason, "", travel));
    const exits = found.exits.filter((each) => each.times).slice(0, 24);
    const rest = found.exits.length - exits.length;
    at("region-exits").replaceChildren(
      ...exits.map((each) => this.#chip("", each.reason, `→ ${each.label}`, each.times)),
      ...limits,
      ...(found.entries ?? []).map((label) =>
        element("span", { className: "chip muted", title: "It is entered here, too, as if its start had been passed.", textContent: `entered at ${label}` })),
      element("span", { className: "chip muted", textContent: `${several(rest, "exit")} never taken` }),
    );
  }

  #chip(kind, reason, where, times) {
    const [what, advice] = this.#reasons[reason] ?? ["", ""];
    const made = element("span", { className: "chip", title: `${what}\n${advice}` }, `${kind} ${reason} ${where} `);
    made.append(element("b", { textContent: short(times) }));
    return made;
  }

  readByLine(on) {
    this.#byLine = on;
    if (this.#found) this.#showGuest();
  }

  #showGuest() {
    const { guest, source = {} } = this.#found;
    at("by-line-box").hidden = !Object.keys(source).length;
    const lines = this.#byLine && Object.keys(source).length ? joined(guest, source) : withSource(guest, source);
    this.#lists.guest.show(this.#withLabels(lines));
  }

  #withLabels(lines) {
    const most = Math.max(1, ...lines.map((line) => line.seen ?? 0));
    return lines.flatMap((line) => [
      ...(line.gap ? [{ text: "…", className: "dim" }] : []),
      ...(line.label ? [{ text: `@${line.label}`, className: "label" }] : []),
      { ...line, part: (line.seen ?? 0) / most },
    ]);
  }

  #guest(row, item) {
    row.style.gridTemplateColumns = "52px 44px 1fr 34px 60px";
    const isCode = item.address !== undefined;
    cells(row, [
      isCode && item.seen ? short(item.seen) : "",
      isCode ? hex(item.address) : "",
      (isCode ? "  " : "") + item.text,
      isCode && item.copies > 1 ? `×${item.copies}` : "",
      isCode && item.left ? `⇥ ${short(item.left)}` : "",
    ], ["seen", "at", "", "dim", "count"]);
    row.children[0].style.setProperty("--part", `${100 * (item.part ?? 0)}%`);
    row.children[2].className = item.className ?? (item.address === this.#start ? "label" : "");
    row.classList.toggle("lit", isCode && item.address === this.#lit);
  }

  #ir(row, item) {
    const [text, times] = item;
    row.style.gridTemplateColumns = "60px 1fr";
    cells(row, [times ? short(times) : "", text], ["count", ""]);
    row.children[1].className = /^(b\d+|graph)/.test(text) ? "label" : times === 0 ? "dim" : "";
    row.classList.toggle("lit", this.#lit !== null && this.#address(item) === this.#lit);
  }

  #address(item) {
    const found = PC.exec(item?.[0] ?? "");
    return found ? Number(found[1]) : null;
  }

  // Light up the next line of a list that has an address; says whether there is one.
  #step(list, by, line) {
    let index = list.items.findIndex((item) => this.#lit !== null && line(item) === this.#lit) + by;
    if (index < 0) index = 0;
    while (list.items[index] !== undefined && line(list.items[index]) === this.#lit) index += by;
    while (list.items[index] !== undefined && (line(list.items[index]) ?? null) === null) index += by;
    const found = list.items[index];
    if (found) this.#light(line(found));
    return Boolean(found);
  }

  #light(address) {
    if (address === null || address === undefined) return;
    this.#lit = address;
    for (const name of ["guest", "ir"]) {
      const list = this.#lists[name];
      const index = list.items.findIndex((item) => (name === "guest" ? item.address : this.#address(item)) === address);
      if (index >= 0) list.reveal(index);
      list.draw();
    }
  }
}

// Instructions, each line of source above those that are from it.
function withSource(guest, source) {
  let before = "";
  return guest.flatMap((each) => {
    const isOther = each.line && each.line !== before;
    before = each.line;
    return isOther ? [{ text: `${lineNumber(each.line)}  ${source[each.line] ?? ""}`, className: "source" }, each] : [each];
  });
}

// Lines of source, each with the counts of its instructions: the most often seen, all exits.
function joined(guest, source) {
  const lines = new Map();
  for (const each of guest) {
    const line = lines.get(each.line);
    if (!line) {
      const text = each.line ? `${lineNumber(each.line)}  ${source[each.line] ?? ""}` : each.text;
      lines.set(each.line || `at ${each.address}`, { ...each, text, label: "", gap: false });
    } else {
      line.seen = Math.max(line.seen, each.seen);
      line.copies = Math.max(line.copies, each.copies);
      line.left += each.left;
    }
  }
  return [...lines.values()];
}

const lineNumber = (line) => line.slice(line.lastIndexOf(":") + 1).padStart(4);
