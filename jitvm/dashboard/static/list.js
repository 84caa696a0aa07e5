// Lists of any length: only the rows in sight are in the document. There are thousands of regions and
// lines of code, some of which change five times a second, and they are walked through with the
// keyboard: the table of the chart library, drawn as a picture, is neither quick nor reachable enough.
//
//   VirtualList   rows of one height; `fill(row, item)` writes one
//   Table         a VirtualList with a head to sort by, and a selection

import { oncePerFrame } from "./frame.js";
import { element, write } from "./text.js";

const MARGIN = 6; // rows above and below what is in sight

export class VirtualList {
  #rows = [];
  #space = element("div", { className: "space" });
  #height;
  #fill;
  #roles;
  draw = oncePerFrame(() => this.#draw());
  items = [];

  // roles: of the box and of a row, for those who listen to a page
  constructor(box, { height, fill, label, roles = ["list", "listitem"] }) {
    this.#height = height;
    this.#fill = fill;
    this.#roles = roles;
    this.box = element("div", { className: "rows", tabIndex: 0 }, this.#space);
    this.box.setAttribute("role", roles[0]);
    this.#space.setAttribute("role", "presentation");
    if (label) this.box.setAttribute("aria-label", label);
    box.append(this.box);
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  show(items) {
    this.items = items;
    this.#space.style.height = `${items.length * this.#height}px`;
    this.draw();
  }

  reveal(index) {
    const top = index * this.#height;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop || top + this.#height > scrollTop + clientHeight) {
      this.box.scrollTop = Math.max(0, top - clientHeight / 2);
    }
    this.draw();
  }

  get atEnd() {
    return this.box.scrollTop + this.box.clientHeight >= this.box.scrollHeight - 2 * this.#height;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.#height) - MARGIN);
    const inSight = Math.ceil(this.box.clientHeight / this.#height) + 2 * MARGIN;
    const count = Math.max(0, Math.min(inSight, this.items.length - first));
    while (this.#rows.length < count) {
      const row = element("div", { className: "row" });
      row.setAttribute("role", this.#roles[1]);
      this.#rows.push(row);
      this.#space.append(row);
    }
    this.#rows.forEach((row, at) => {
      row.hidden = at >= count;
      row.style.display = at >= count ? "none" : "";
      if (at >= count) return;
      row.style.top = `${(first + at) * this.#height}px`;
      row.index = first + at;
      this.#fill(row, this.items[first + at], first + at);
    });
  }
}

// Write texts into a row's cells, touching only what differs.
export function cells(row, texts, classes) {
  while (row.children.length < texts.length) {
    const cell = element("span", { className: classes?.[row.children.length] ?? "" });
    if (row.getAttribute("role") === "row") cell.setAttribute("role", "gridcell");
    row.append(cell);
  }
  texts.forEach((text, at) => {
    write(row.children[at], text);
  });
}

export class Table {
  #items = [];
  #box;
  #columns;
  #order;
  #falling = true;
  #heads = [];
  #empty;
  #nothing;
  filter = null;
  selected = null;

  // columns: { title, about, width, value(item), text(item), right, part(item) }
  constructor(box, { columns, sort, empty, choose, key, decorate, label }) {
    this.#box = box;
    this.#columns = columns;
    this.#order = columns[sort];
    this.key = key ?? ((item) => item);
    const widths = columns.map((column) => column.width).join(" ");
    const classes = columns.map((column) => (column.right ? "right" : "") + (column.part ? " bar" : ""));
    box.setAttribute("role", "grid");
    if (label) box.setAttribute("aria-label", label);
    const head = element("div", { className: "head" });
    head.setAttribute("role", "row");
    head.style.gridTemplateColumns = widths;
    for (const column of columns) {
      const button = element("button", { type: "button", title: column.about ?? "", textContent: column.title });
      button.onclick = () => this.#sortBy(column);
      const cell = element("span", { className: column.right ? "right" : "" }, button);
      cell.setAttribute("role", "columnheader");
      this.#heads.push(cell);
      head.append(cell);
    }
    box.append(head);
    this.#empty = element("div", { className: "empty" });
    this.#nothing = empty;
    box.append(this.#empty);
    this.list = new VirtualList(box, {
      height: 22,
      label,
      roles: ["rowgroup", "row"],
      fill: (row, item, index) => {
        row.setAttribute("aria-rowindex", index + 2);
        row.style.gridTemplateColumns = widths;
        cells(row, columns.map((column) => column.text(item)), classes);
        columns.forEach((column, at) => {
          if (column.part) row.children[at].style.setProperty("--part", `${100 * column.part(item)}%`);
        });
        const isSelected = this.selected !== null && this.key(item) === this.selected;
        row.classList.toggle("selected", isSelected);
        row.setAttribute("aria-selected", isSelected);
        decorate?.(row, item);
      },
    });
    this.list.box.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row && choose) this.#choose(row.index, choose);
    });
    this.list.box.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
      if (!by || !choose) return;
      event.preventDefault();
      const now = this.list.items.findIndex((item) => this.key(item) === this.selected);
      this.#choose(Math.max(0, Math.min(now + by, this.list.items.length - 1)), choose);
    });
    this.#mark();
  }

  show(items) {
    this.#items = items;
    this.#empty.textContent = items.length ? "nothing has that in its label" : this.#nothing;
    const kept = this.filter ? items.filter(this.filter) : [...items];
    const value = this.#order.value ?? this.#order.text;
    const sign = this.#falling ? -1 : 1;
    const keyed = kept.map((item) => [value(item), item]);
    keyed.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0));
    this.#empty.hidden = kept.length > 0;
    this.#empty.style.display = kept.length ? "none" : "";
    this.#box.setAttribute("aria-rowcount", kept.length + 1);
    this.list.show(keyed.map(([, item]) => item));
  }

  // Show that nothing is known yet, or why not.
  forget(why) {
    this.show([]);
    this.#empty.textContent = why;
  }

  again() {
    this.show(this.#items);
  }

  select(key) {
    this.selected = key;
    this.list.draw();
  }

  #choose(index, choose) {
    const item = this.list.items[index];
    if (item === undefined) return;
    this.select(this.key(item));
    this.list.reveal(index);
    choose(item);
  }

  #sortBy(column) {
    this.#falling = column === this.#order ? !this.#falling : Boolean(column.right);
    this.#order = column;
    this.#mark();
    this.again();
  }

  #mark() {
    this.#columns.forEach((column, at) => {
      const head = this.#heads[at];
      const on = column === this.#order;
      head.firstChild.textContent = on ? `${column.title} ${this.#falling ? "▾" : "▴"}` : column.title;
      if (on) head.setAttribute("aria-sort", this.#falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }
}
