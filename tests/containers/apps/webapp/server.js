// Serves the web app: says `ready` to PM2 when it listens, and on SIGINT finishes what it has begun.
"use strict";

const cluster = require("node:cluster");
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

// The cluster's primary may have sent a connection that has not arrived here yet: whoever exits at once loses it, and
// its client waits for ever. Disconnecting asks the primary first, and gives such connections back to the others.
function leave() {
  if (!cluster.worker || !process.connected) process.exit(0);
  process.once("disconnect", () => process.exit(0));
  cluster.worker.disconnect();
}

process.on("SIGINT", () => {
  stopping = true;
  server.close(leave);
  server.closeIdleConnections();
});

setTimeout(() => {
  server.listen(Number(process.env.PORT || 3000), () => process.send && process.send("ready"));
}, START_MS);
