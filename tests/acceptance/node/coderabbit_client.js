// People, workspaces and projects through npm `@coderabbitai/bitbucket`: a JSON request a line on stdin, an answer on stdout.
"use strict";

const readline = require("node:readline");

async function main() {
  // Modules of the new kind are found by path only, not through NODE_PATH.
  const { createBitbucketCloudClient } = await import(require.resolve("@coderabbitai/bitbucket/cloud"));
  const { toBase64 } = await import(require.resolve("@coderabbitai/bitbucket"));
  const credential = toBase64(`${process.env.USERNAME}:${process.env.TOKEN}`);
  const client = createBitbucketCloudClient({
    baseUrl: `${process.env.HOST_URL}/2.0`,
    headers: { Accept: "application/json", Authorization: `Basic ${credential}` },
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { method, address, path, query, body } = JSON.parse(line);
    const { data, error, response } = await client[method](address, { params: { path, query }, body });
    process.stdout.write(`${JSON.stringify({ status: response.status, data: data ?? error })}\n`);
  }
}

main();
