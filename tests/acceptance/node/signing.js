"use strict";

// Which of the vendor's JWT packages signs is chosen by the test that starts the program.
const jwt = require(process.env.JWT_PACKAGE);

// The claims an app sends to Bitbucket: who it is in `iss`, its installation in `sub`.
exports.authorization = (method, url) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: process.env.APP_KEY,
    sub: process.env.CLIENT_KEY,
    iat: now,
    exp: now + 180,
    qsh: jwt.createQueryStringHash(jwt.fromMethodAndUrl(method, url)),
  };
  return `JWT ${jwt.encodeSymmetric(claims, process.env.SHARED_SECRET, "HS256")}`;
};

// The claims of a token the host sent, and the hash it should carry. Throws when the signature is wrong.
exports.decoded = ({ token, secret, method, url, baseUrl }) => ({
  algorithm: jwt.getAlgorithm(token),
  claims: jwt.decodeSymmetric(token, secret, "HS256"),
  qsh: jwt.createQueryStringHash(jwt.fromMethodAndUrl(method, url), false, baseUrl),
});
