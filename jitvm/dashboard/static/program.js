// The program's own screen and console; keys, pointer and lines go to it.

const SCREEN_HEAD = 5;
const CONSOLE_KEPT = 65536;
const at = (id) => document.getElementById(id);

export class Program {
  #screen = at("screen");
  #text = "";
  #send;
  #moved = null;

  constructor(send) {
    this.#send = (event) => send({ do: "input", event });
    const screen = this.#screen;
    screen.addEventListener("keydown", (event) => this.#key(event, "keydown"));
    screen.addEventListener("keyup", (event) => this.#key(event, "keyup"));
    screen.addEventListener("pointermove", (event) => this.#move(event));
    screen.addEventListener("pointerdown", (event) => {
      screen.focus();
      screen.setPointerCapture(event.pointerId);
      this.#move(event);
      this.#flush();
      this.#send({ kind: "down", button: event.button + 1 });
      event.preventDefault();
    });
    screen.addEventListener("pointerup", (event) => this.#send({ kind: "up", button: event.button + 1 }));
    screen.addEventListener("contextmenu", (event) => event.preventDefault());
    screen.addEventListener("wheel", (event) => {
      this.#send({ kind: "wheel", x: Math.sign(event.deltaX), y: Math.sign(event.deltaY) });
      event.preventDefault();
    }, { passive: false });
    at("input").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send({ kind: "line", text: `${at("line").value}\n` });
      at("line").value = "";
    });
    at("end").addEventListener("click", () => this.#send({ kind: "end" }));
  }

  #key(event, kind) {
    // Tab without Shift is the program's; with it, it leaves the screen.
    if (event.metaKey || /^F\d+$/.test(event.key) || (event.key === "Tab" && event.shiftKey)) return;
    event.preventDefault();
    this.#send({ kind, key: event.key, ctrl: event.ctrlKey, alt: event.altKey });
  }

  // Moves are told once a frame of the page: the last place is what counts.
  #move(event) {
    const { width, height } = this.#screen;
    const bounds = this.#screen.getBoundingClientRect();
    const scale = Math.min(bounds.width / width, bounds.height / height);
    const left = bounds.left + (bounds.width - width * scale) / 2;
    const top = bounds.top + (bounds.height - height * scale) / 2;
    const inside = (value, most) => Math.max(0, Math.min(Math.floor(value), most - 1));
    const fresh = this.#moved === null;
    this.#moved = { kind: "move", x: inside((event.clientX - left) / scale, width), y: inside((event.clientY - top) / scale, height) };
    if (fresh) requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    if (this.#moved) this.#send(this.#moved);
    this.#moved = null;
  }

  picture(view) {
    const width = view.getUint16(1, true), height = view.getUint16(3, true);
    at("screen-box").hidden = false;
    at("program-about").textContent = `${width} × ${height}, click to type into it`;
    if (this.#screen.width !== width || this.#screen.height !== height) {
      this.#screen.width = width;
      this.#screen.height = height;
    }
    const pixels = new Uint8ClampedArray(view.buffer, SCREEN_HEAD, 4 * width * height);
    this.#screen.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  }

  print({ missed, text }) {
    const box = at("console");
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 30;
    this.#text = (missed ? "…\n" : this.#text) + text;
    this.#text = this.#text.slice(-CONSOLE_KEPT);
    box.textContent = this.#text;
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
}
