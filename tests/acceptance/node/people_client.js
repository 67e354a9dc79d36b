// People, workspaces and projects through npm `bitbucket`, with Basic: a JSON request a line on stdin, an answer on stdout.
"use strict";

const readline = require("node:readline");
const { Bitbucket } = require("bitbucket");

const bitbucket = new Bitbucket({
  baseUrl: `${process.env.HOST_URL}/2.0`,
  auth: { username: process.env.USERNAME, password: process.env.TOKEN },
  notice: false,
});

async function answer({ group, operation, parameters }) {
  try {
    const { status, data } = await bitbucket[group][operation](parameters);
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
