// The socket: messages in, commands out; comes back by itself when the server does.

const token = new URLSearchParams(location.search).get("token");
const withToken = (path) => (token ? `${path}?token=${encodeURIComponent(token)}` : path);

export async function fetchJson(path) {
  try {
    const answer = await fetch(withToken(path));
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away; the socket tells of it
  }
}

export class Link {
  #socket = null;
  #wait = 250;
  #receivers;

  // receivers: { message(object), binary(kind, DataView, offset), closed() }
  constructor(receivers) {
    this.#receivers = receivers;
    // A page that nobody sees asks for nothing, so it costs nothing.
    document.addEventListener("visibilitychange", () => this.#look());
    this.#connect();
  }

  send(command) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(command));
  }

  #look() {
    this.send({ do: "look", on: !document.hidden });
  }

  #connect() {
    const url = new URL(withToken("socket"), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#wait = 250;
      this.#look();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#receivers.message(JSON.parse(data));
      else this.#receivers.binary(new DataView(data));
    };
    socket.onclose = () => {
      this.#receivers.closed();
      setTimeout(() => this.#connect(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, 5000);
    };
  }
}
