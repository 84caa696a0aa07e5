// Numbers, addresses and colours as people read them; the tooltip.

export const hex = (address) => (address < 0 ? "elsewhere" : address.toString(16).padStart(4, "0"));

export const whole = (number) => Math.round(number).toLocaleString("en-US");

export const several = (number, thing) => `${whole(number)} ${thing}${number === 1 ? "" : "s"}`;

const UNITS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

export function short(number) {
  for (const [size, unit] of UNITS) {
    if (number >= size) return `${(number / size).toPrecision(3)} ${unit}`;
  }
  return number >= 10 || Number.isInteger(number) ? String(Math.round(number)) : number.toPrecision(2);
}

export const percent = (part) =>
  `${(100 * part).toFixed(part >= 0.9995 && part < 1 ? 2 : 1)}`;

export function clock(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
}

// A colour by its meaning, as the style sheet has it; asked anew when the theme changes.
const known = new Map();
export function colour(meaning) {
  if (!known.has(meaning)) {
    known.set(meaning, getComputedStyle(document.documentElement).getPropertyValue(`--${meaning}`).trim());
  }
  return known.get(meaning);
}
export const forgetColours = () => known.clear();

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

// Change a text where it differs: the browser lays out anew whatever is written.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function legend(box, entries) {
  while (box.children.length > entries.length) box.lastChild.remove();
  while (box.children.length < entries.length) {
    box.append(element("span", {}, element("i"), element("span"), element("b")));
  }
  entries.forEach(([meaning, text, value], i) => {
    const [swatch, name, number] = box.children[i].children;
    swatch.style.background = colour(meaning);
    write(name, text);
    write(number, value ?? "");
  });
}

const tip = document.getElementById("tip");
export function showTip(event, text) {
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 16, innerHeight - height - 8))}px`;
}
export const hideTip = () => { tip.hidden = true; };

// A label, and the line of source where that is known.
export const placed = (label, line) => (line ? `${label} · ${line}` : label);
