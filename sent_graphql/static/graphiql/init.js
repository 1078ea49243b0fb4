// Starts GraphiQL on this very address. A file of its own, since the page's policy forbids inline scripts.
(() => {
  "use strict";
  const root = document.getElementById("graphiql");
  const { protocol, host, pathname } = window.location;
  const fetcher = GraphiQL.createFetcher({
    url: pathname,
    // Connects when the first subscription starts, not before.
    wsClient: graphqlWs.createClient({ url: `${protocol === "https:" ? "wss:" : "ws:"}//${host}${pathname}` }),
  });
  const logo = React.createElement(
    GraphiQL.Logo,
    null,
    React.createElement("span", { className: "sent-logo" }, "sent-graphql"),
    React.createElement("span", { className: "sent-network" }, root.dataset.network),
  );
  ReactDOM.createRoot(root).render(
    React.createElement(
      GraphiQL,
      {
        fetcher,
        plugins: [GraphiQLPluginExplorer.explorerPlugin()],
        defaultQuery: document.getElementById("welcome").content.textContent,
        defaultEditorToolsVisibility: false,
        shouldPersistHeaders: false,
      },
      logo,
    ),
  );
})();
