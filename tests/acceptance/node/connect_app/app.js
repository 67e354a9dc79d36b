// A Connect app on atlassian-connect-express: it shows its linkers on a page, and stores values for them.
"use strict";

const http = require("node:http");
const ac = require("atlassian-connect-express");
const express = require("express");
const memoryStore = require("./memory_store");

const VALUES = "/2.0/addon/linkers/tickets/values";

ac.store.register("memory", memoryStore);

// The framework's client takes a callback; what the host answered goes to the app's visitor.
function call(client, method, options) {
  return new Promise((resolve, reject) => {
    client[method](options, (error, response, body) => {
      if (error) return reject(error);
      const content = typeof body === "string" && body !== "" ? JSON.parse(body) : body;
      return resolve({ status: response.statusCode, body: content });
    });
  });
}

function panel(host, base, token, query) {
  return `<!doctype html><title>Panel</title>
<script src="${host}/atlassian-connect/all-debug.js"></script>
<div class="ac-content"><h1>Tickets of ${encodeURIComponent(query.workspace)}</h1><ol id="done"></ol></div>
<script>
  const say = (text) => document.querySelector("#done").append(Object.assign(document.createElement("li"), { textContent: text }));
  const ask = (method, path, token) =>
    fetch("${base}" + path, { method, headers: { Authorization: "JWT " + token } }).then((answer) => answer.json());
  ask("POST", "/values/PANEL", "${token}").then((answer) => {
    say("stored by the app's server: " + answer.status + " " + answer.body.value);
    AP.require("request", (request) => request({ url: "/2.0/user", success: (user) => {
      say("asked by the page: " + user.display_name);
      AP.require("proxyRequest", (request) => request({ url: "/land/7", type: "POST", data: JSON.stringify({ now: true }),
        contentType: "application/json", success: (answer) => {
          say("forwarded to the app's server: " + JSON.stringify(answer.landed) + " " + answer.query.pr);
          AP.context.getToken((token) => ask("GET", "/whoami", token).then((answer) => {
            say("known by the host's token: " + answer.clientKey);
          }));
        } }));
    } }));
  });
</script>`;
}

function routes(addon) {
  const router = express.Router();

  router.get("/welcome/:more?", addon.authenticate(), async (req, res) => {
    const client = addon.httpClient(req);
    res.json({
      clientKey: req.context.clientKey,
      visitor: req.context.userAccountId,
      query: req.query,
      sessionToken: req.context.token,
      user: await call(client, "get", "/2.0/user/"),
      linkers: await call(client, "get", { url: "/2.0/addon/linkers", qs: { fields: "size,values.key", q: 'key ~ "tick"' } }),
    });
  });

  // A panel, as apps make them: `AP` comes from the host that installed the app, and a token of the framework's own
  // authenticates the page to its server.
  router.get("/panel", addon.authenticate(), (req, res) => {
    res.send(panel(req.context.hostBaseUrl, process.env.AC_LOCAL_BASE_URL, req.context.token, req.query));
  });

  // What the host forwards for the panel is a signed request like any other.
  router.post("/landed", addon.authenticate(), (req, res) => {
    res.json({ by: req.context.userAccountId, landed: req.body, query: req.query });
  });

  // A page may also ask the host for a token to show to its server.
  router.get("/whoami", addon.checkValidToken(), (req, res) => {
    res.json({ clientKey: req.context.clientKey });
  });

  // The page's own follow-up calls carry the session token the framework gave it, which has no qsh.
  router.post("/values/:value", addon.checkValidToken(), async (req, res) => {
    res.json(await call(addon.httpClient(req), "post", { url: VALUES, json: { value: req.params.value } }));
  });

  router.get("/values", addon.checkValidToken(), async (req, res) => {
    res.json(await call(addon.httpClient(req), "get", VALUES));
  });

  router.post("/leave", addon.checkValidToken(), async (req, res) => {
    res.json(await call(addon.httpClient(req), "del", "/2.0/addon"));
  });

  // A webhook is a signed request, too; what it tells is printed for the test.
  router.post("/heard", addon.authenticate(), (req, res) => {
    console.log(JSON.stringify({ by: req.context.clientKey, event: req.body.event, data: req.body.data }));
    res.sendStatus(204);
  });

  // A builder: it reads what was pushed, with its JWT and with a token for that, and says what it found.
  router.post("/pushed", addon.authenticate(), async (req, res) => {
    const client = addon.httpClient(req);
    const { repository, push } = req.body.data;
    const at = `/2.0/repositories/${repository.full_name}`;
    const commit = `${at}/commit/${push.changes[0].new.target.hash}`;
    const grant = { grant_type: "urn:bitbucket:oauth2:jwt" };
    const { body: token } = await call(client, "post", { url: "/site/oauth2/access_token", form: grant });
    const headers = { Authorization: `Bearer ${token.access_token}` };
    const again = await fetch(`${req.context.hostBaseUrl}${at}/commits`, { headers });
    const build = { key: "unit", state: "SUCCESSFUL", url: "https://ci.example/1" };
    const told = {
      signed: await call(client, "get", `${at}/commits`),
      exchanged: { status: again.status, body: await again.json() },
      status: await call(client, "post", { url: `${commit}/statuses/build`, json: build }),
      comment: await call(client, "post", { url: `${commit}/comments`, json: { content: { raw: "Built." } } }),
    };
    console.log(JSON.stringify({ by: req.context.clientKey, event: req.body.event, data: req.body.data, told }));
    res.sendStatus(204);
  });

  // The framework handles `installed` alone; this is how its documentation secures `uninstalled`.
  router.post("/uninstalled", addon.authenticateInstall(), (req, res) => res.sendStatus(204));

  return router;
}

// The port is not known before the server listens, and the framework wants to know its address at once.
const app = express();
const server = http.createServer(app).listen(0, "127.0.0.1", () => {
  const base = new URL(process.env.BASE_PATH, `http://127.0.0.1:${server.address().port}`);
  process.env.AC_LOCAL_BASE_URL = base.href.replace(/\/$/, "");
  app.use(express.json());
  const logger = new console.Console(process.stderr);
  const addon = ac(app, {}, logger, {}, () => console.log(process.env.AC_LOCAL_BASE_URL));
  app.use(addon.middleware());
  app.use(base.pathname, routes(addon));
});
