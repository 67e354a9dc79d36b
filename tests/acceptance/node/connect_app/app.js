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
