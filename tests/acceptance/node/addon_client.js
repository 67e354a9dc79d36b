// The ten addon operations through npm `bitbucket`: a JSON request a line on stdin, a JSON answer a line on stdout.
"use strict";

const readline = require("node:readline");
const { Bitbucket } = require("bitbucket");
const { authorization, decoded } = require("./signing");

const LINKER = "/addon/linkers/{linker_key}";
const FORM = "application/x-www-form-urlencoded";

const ENDPOINTS = {
  addon: {
    update: { method: "PUT", url: "/addon" },
    delete: { method: "DELETE", url: "/addon" },
    listLinkers: { method: "GET", url: "/addon/linkers" },
    getLinker: { method: "GET", url: LINKER },
    listValues: { method: "GET", url: `${LINKER}/values` },
    addValue: { method: "POST", url: `${LINKER}/values` },
    addValueByForm: { method: "POST", url: `${LINKER}/values`, accepts: [FORM] },
    replaceValues: { method: "PUT", url: `${LINKER}/values` },
    deleteValues: { method: "DELETE", url: `${LINKER}/values` },
    getValue: { method: "GET", url: `${LINKER}/values/{value_id}` },
    deleteValue: { method: "DELETE", url: `${LINKER}/values/{value_id}` },
  },
};

// A plugin, as the package calls its extensions: registers what it lacks and signs every request it is about to send.
function addonOperations(client) {
  client.registerEndpoints(ENDPOINTS);
  client.requestHook.before((options) => {
    const { method, url } = client.request.endpoint.parse({ ...options, headers: {} });
    options.headers.authorization = authorization(method, url);
  });
}

const bitbucket = new (Bitbucket.plugins([addonOperations]))({ baseUrl: `${process.env.HOST_URL}/2.0`, notice: false });

const ACTIONS = {
  call: ({ operation, parameters }) => bitbucket.addon[operation](parameters),
  nextPage: ({ page }) => bitbucket.getNextPage(page),
  previousPage: ({ page }) => bitbucket.getPreviousPage(page),
  decode: async (token) => ({ status: 200, data: decoded(token) }),
};

async function answer({ action, ...rest }) {
  try {
    const { status, data } = await ACTIONS[action](rest);
    return { status, data };
  } catch (problem) {
    return { status: problem.status ?? 0, data: problem.error ?? problem.message };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

main();
