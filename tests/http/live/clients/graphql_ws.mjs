// Subscribes with the npm client graphql-ws and writes every message as a line of JSON. Arguments: URL, document.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, query] = process.argv.slice(2);
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
client.subscribe(
  { query },
  {
    next: (result) => say({ next: result }),
    error: (error) => {
      say({ error: Array.isArray(error) ? error.map((one) => one.message) : String(error.reason ?? error) });
      client.dispose();
    },
    complete: () => {
      say({ complete: true });
      client.dispose();
    },
  },
);
