// A clone, a commit and a push by isomorphic-git; the answer to the push is one line of JSON on stdout.
"use strict";

const fs = require("node:fs");
const git = require("isomorphic-git");
const http = require("isomorphic-git/http/node");

const { GIT_URL: url, FOLDER: dir, TOKEN: password } = process.env;
const onAuth = () => ({ username: "x-token-auth", password });

async function main() {
  await git.clone({ fs, http, dir, url, onAuth, depth: 1, singleBranch: true });
  fs.writeFileSync(`${dir}/more`, "more\n");
  await git.add({ fs, dir, filepath: "more" });
  const commit = await git.commit({ fs, dir, message: "by a library", author: { name: "Ann", email: "ann@example.com" } });
  const { ok, refs } = await git.push({ fs, http, dir, url, onAuth, ref: "main", remoteRef: "refs/heads/library" });
  process.stdout.write(`${JSON.stringify({ commit, ok, refs })}\n`);
}

main();
