// Serves the web app: says `ready` to PM2 when it listens, and on SIGINT finishes what it has begun.
"use strict";

const http = require("node:http");
const { START_MS, answer } = require("./app");

let stopping = false;

const server = http.createServer((request, response) => {
  const { code, body, delay } = answer(request.url);
  setTimeout(() => {
    // A kept connection would bring its next request to a worker that is gone.
    if (stopping) response.setHeader("Connection", "close");
    response.writeHead(code, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body) + "\n");
  }, delay);
});

process.on("SIGINT", () => {
  stopping = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

setTimeout(() => {
  server.listen(Number(process.env.PORT || 3000), () => process.send && process.send("ready"));
}, START_MS);
