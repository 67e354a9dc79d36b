// What Backstage reads of a workspace, through its `BitbucketCloudClient`: a JSON request a line on stdin, an answer on stdout.
"use strict";

const readline = require("node:readline");
const { BitbucketCloudClient } = require("@backstage/plugin-bitbucket-cloud-common");

const client = BitbucketCloudClient.fromConfig({
  host: "bitbucket.org",
  apiBaseUrl: `${process.env.HOST_URL}/2.0`,
  username: process.env.USERNAME,
  token: process.env.TOKEN,
});

async function answer({ operation, parameters, pagelen }) {
  const items = [];
  try {
    for await (const item of client[operation](...parameters).iterateResults({ pagelen })) {
      items.push(item);
    }
    return { items };
  } catch (problem) {
    return { problem: problem.message };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

main();
