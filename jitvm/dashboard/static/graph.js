// Regions as a graph: a column of nodes in the order of memory, links as arcs beside it.
//
//   arcs on the left go down in memory, arcs on the right go up; their width is how often
//   a bar to the left of a node: how often control left it for the interpreter
//
// It is ours because its nodes are buttons that the keyboard reaches, in the order of memory, and its
// links are arcs: the chart library has Sankey diagrams, which allow no loops.
//
// Nodes keep their order whatever happens, so the picture stands still while counts move.

import { oncePerFrame } from "./frame.js";
import { colour, hex, hideTip, short, showTip, whole } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 19, TOP = 14;

// What a node's size tells: instructions where they are counted, else how often it was left.
const weigh = (node) => node.executed || node.left;

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Graph {
  #box;
  #choose;
  #last = null;
  draw = oncePerFrame(() => this.#draw());
  selected = null;

  constructor(box, choose) {
    this.#box = box;
    this.#choose = choose;
    new ResizeObserver(() => this.draw()).observe(box);
    box.addEventListener("pointerleave", hideTip);
  }

  show(graph, regions) {
    this.#last = [graph, regions];
    this.draw();
  }

  #draw() {
    if (!this.#last) return;
    const [graph, regions] = this.#last;
    const nodes = (graph.nodes ?? []).map((number) => regions.get(number)).filter(Boolean);
    nodes.sort((a, b) => a.start - b.start);
    if (!nodes.length) {
      this.#box.replaceChildren(Object.assign(document.createElement("div"), { className: "empty", textContent: "no region is installed" }));
      return;
    }
    const row = Math.max(ROW, Math.min(34, (this.#box.clientHeight - 2 * TOP) / nodes.length));
    const width = this.#box.clientWidth;
    const middle = Math.round(width * 0.42);
    const place = new Map(nodes.map((node, at) => [node.number, TOP + (at + 0.5) * row]));
    const most = Math.max(1, ...graph.edges.map(([, , times]) => times));
    const weight = (times) => 0.8 + 5 * (Math.log1p(times) / Math.log1p(most));
    const root = svg("svg", { width, height: Math.max(TOP * 2 + nodes.length * row, 40), role: "img", "aria-label": "Regions and the links between them" });
    for (const [from, to, times] of graph.edges) {
      if (!place.has(from) || (to !== 0 && !place.has(to))) continue;
      const line = to === 0 ? this.#exit(place.get(from), middle, times, weight) : this.#link(place.get(from), place.get(to), middle, times, weight);
      const dimmed = this.selected !== null && from !== this.selected && to !== this.selected && place.has(this.selected);
      line.setAttribute("class", dimmed ? "dimmed" : "");
      const names = [from, to].map((number) => (number === 0 ? "the interpreter" : regions.get(number)?.label));
      line.addEventListener("pointermove", (event) => showTip(event, `${names[0]} → ${names[1]}\n${whole(times)} times`));
      line.addEventListener("pointerleave", hideTip);
      root.append(line);
    }
    const executed = Math.max(1, ...nodes.map(weigh));
    for (const node of nodes) root.append(this.#node(node, place.get(node.number), middle, executed));
    const focused = document.activeElement?.dataset?.number;
    this.#box.replaceChildren(root);
    if (focused) this.#box.querySelector(`[data-number="${focused}"]`)?.focus();
  }

  #node(node, y, x, most) {
    const radius = 3 + 5 * Math.sqrt(weigh(node) / most);
    const group = svg("g", { class: node.number === this.selected ? "node selected" : "node", tabindex: 0, role: "button", "aria-label": `region ${node.label}` },
      svg("circle", { cx: x, cy: y, r: radius, fill: colour("native"), stroke: colour(node.number === this.selected ? "text" : "panel"), "stroke-width": 2 }),
      svg("text", { x: x + 14, y: y + 4 }));
    group.dataset.number = node.number;
    group.lastChild.textContent = `${node.label}  ${short(weigh(node))}`;
    group.addEventListener("click", () => this.#choose(node));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.#choose(node);
    });
    group.addEventListener("pointermove", (event) => showTip(event,
      `#${node.number} ${node.label} (${hex(node.start)})\n${node.executed ? `${whole(node.executed)} instructions executed` : "instructions are not counted"}\nleft ${whole(node.left)} times, ${node.exits} exits`));
    group.addEventListener("pointerleave", hideTip);
    return group;
  }

  #exit(y, x, times, weight) {
    const length = 8 + 5 * weight(times);
    return svg("path", { d: `M ${x - 9} ${y} h ${-length} m 0 -4 l -5 4 l 5 4`, stroke: colour("interpreted"), "stroke-width": 2 });
  }

  #link(from, to, x, times, weight) {
    const side = to > from ? -1 : 1;
    const reach = Math.min(24 + Math.abs(to - from) * 0.55, x - 12);
    const path = from === to
      ? `M ${x - 4} ${from} c -34 -14 -34 14 0 4`
      : `M ${x} ${from} C ${x + side * reach} ${from}, ${x + side * reach} ${to}, ${x} ${to}`;
    return svg("path", { d: path, stroke: colour("native"), "stroke-opacity": 0.55, "stroke-width": weight(times) });
  }
}
