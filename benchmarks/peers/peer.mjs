// One GraphQL server of Node.js over the network in a JSON file: `node peer.mjs NAME SCHEMA DATA` says its port.
// Everything but the two root fields is a property of what they give, under the name of its field.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [name, schemaPath, dataPath] = process.argv.slice(2);
const typeDefs = readFileSync(schemaPath, "utf8");
const data = JSON.parse(readFileSync(dataPath, "utf8"));
const { nodes, totalCount } = data.serviceNodes;

const resolvers = {
  Query: {
    network: () => data.network,
    serviceNodes: (_root, { first }) => ({ totalCount, nodes: nodes.slice(0, first) }),
  },
};

const servers = {
  async mercurius() {
    const { default: fastify } = await import("fastify");
    const { default: mercurius } = await import("mercurius");
    const app = fastify();
    await app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
    await app.listen({ host: "127.0.0.1", port: 0 });
    return app.server.address().port;
  },

  async yoga() {
    const { createSchema, createYoga } = await import("graphql-yoga");
    const server = createServer(createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false }));
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    return server.address().port;
  },

  async apollo() {
    const { ApolloServer } = await import("@apollo/server");
    const { startStandaloneServer } = await import("@apollo/server/standalone");
    const server = new ApolloServer({ typeDefs, resolvers });
    const { url } = await startStandaloneServer(server, {
      listen: { host: "127.0.0.1", port: 0 },
    });
    return new URL(url).port;
  },
};

console.log(await servers[name]());
