// Subscribes with the npm client graphql-sse and writes every message as a line of JSON. Arguments: URL, document.
import { createClient } from "graphql-sse";

const [url, query] = process.argv.slice(2);
const client = createClient({ url, retryAttempts: 0 });
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
client.subscribe(
  { query },
  {
    next: (result) => say(result.errors ? { error: result.errors.map((one) => one.message) } : { next: result }),
    error: (error) => say({ error: String(error) }),
    complete: () => say({ complete: true }),
  },
);
