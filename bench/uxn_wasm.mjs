// Time a ROM on the uxn.wasm package: a Uxn core written in WebAssembly, run by node.
//
//     node bench/uxn_wasm.mjs MODULE_DIR ROM STDIN_FILE REPEATS
//
// MODULE_DIR is the folder that holds node_modules (see install_uxn_wasm.py); STDIN_FILE may be
// "-" for no input. Prints {"times_ms": [...], "output_sha256": "..."} on one line.
//
// One time covers what an emulator does between the loaded ROM and the end of the program: the
// reset vector, then one console vector for each byte of input, then the vector that announces
// the end of the input. Compiling the WebAssembly module, making the core and copying the ROM
// into it are outside, and so is node's own start.
//
// Every repeat has a core of its own with fresh memory. The package's core is one WebAssembly
// function; node runs it in its baseline compiler until the optimising one has caught up in the
// background, which it cannot do for a call that is already under way. Before the ROM goes in,
// each core therefore runs a short loop many times over; the first core also runs the ROM once,
// untimed, to warm the JavaScript around it.
//
// The console is the least that works: bytes into a buffer. `dei` is left to the package, whose
// default reads the device page that lies in the core's memory; `deo` has to store the byte there,
// as Varvara programs read back what they wrote.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const SYSTEM_STATE = 0x0f;
const CONSOLE_VECTOR = 0x10;
const CONSOLE_READ = 0x12;
const CONSOLE_TYPE = 0x17;
const CONSOLE_WRITE = 0x18;
const TYPE_STDIN = 1;
const TYPE_END = 4;

// #0000 &loop INC2 ORAk ?&loop POP2 BRK: 262,144 instructions a run.
const WARM_UP_ROM = Uint8Array.of(0xa0, 0x00, 0x00, 0x21, 0x9d, 0x20, 0xff, 0xfb, 0x22, 0x00);
const WARM_UP_RUNS = 40;

// Bytes written by the guest; grows by doubling.
class Output {
  constructor() {
    this.bytes = new Uint8Array(1 << 16);
    this.length = 0;
  }

  write(value) {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = value;
  }

  sha256() {
    return createHash("sha256").update(this.bytes.subarray(0, this.length)).digest("hex");
  }
}

// A core with the console attached. Its output starts empty.
async function makeCore(Uxn) {
  const core = new Uxn();
  core.output = new Output();
  await core.init({
    deo(port, value) {
      core.dev[port] = value;
      if (port === CONSOLE_WRITE) core.output.write(value);
    },
  });
  return core;
}

// Run a loaded ROM to its end and return the milliseconds it took.
function run(core, input) {
  const dev = core.dev;
  const start = performance.now();
  core.eval(0x100);
  for (let i = 0; i <= input.length && dev[SYSTEM_STATE] === 0; i++) {
    const vector = (dev[CONSOLE_VECTOR] << 8) | dev[CONSOLE_VECTOR + 1];
    if (vector === 0) break;
    dev[CONSOLE_READ] = i < input.length ? input[i] : 0;
    dev[CONSOLE_TYPE] = i < input.length ? TYPE_STDIN : TYPE_END;
    core.eval(vector);
  }
  return performance.now() - start;
}

// The URL of the package's entry file, or null if the folder does not hold the package.
function findModule(moduleDir) {
  const require = createRequire(pathToFileURL(resolve(moduleDir, "package.json")));
  try {
    return pathToFileURL(require.resolve("uxn.wasm"));
  } catch {
    return null;
  }
}

async function main([moduleDir, romFile, inputFile, repeats]) {
  if (!(Number(repeats) > 0)) {
    console.error("usage: node uxn_wasm.mjs MODULE_DIR ROM STDIN_FILE|- REPEATS");
    return 2;
  }
  const module = findModule(moduleDir);
  if (module === null) {
    console.error(`uxn_wasm.mjs: no package uxn.wasm in ${moduleDir}; run install_uxn_wasm.py`);
    return 1;
  }
  const { Uxn } = await import(module);
  const rom = readFileSync(romFile);
  const input = inputFile === "-" ? new Uint8Array(0) : readFileSync(inputFile);

  const times = [];
  const digests = new Set();
  for (let i = 0; i <= Number(repeats); i++) {
    const core = await makeCore(Uxn);
    core.load(WARM_UP_ROM);
    for (let j = 0; j < WARM_UP_RUNS; j++) core.eval(0x100);
    core.ram.fill(0);
    core.dev.fill(0);
    core.load(rom);
    const time = run(core, input);
    if (i > 0) times.push(time);
    digests.add(core.output.sha256());
  }
  if (digests.size !== 1) {
    console.error("uxn_wasm.mjs: the repeats wrote different outputs");
    return 1;
  }
  console.log(JSON.stringify({ times_ms: times, output_sha256: [...digests][0] }));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
