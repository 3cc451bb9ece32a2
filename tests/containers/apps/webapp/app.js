// A sample web app that tells its version and the revision of the release it was loaded from.
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const VERSION = "1.0.0";
const HEALTHY = true;
const START_MS = 0;

function revisionOnDisk() {
  const file = path.join(__dirname, "REVISION");
  if (fs.existsSync(file)) return fs.readFileSync(file, "utf8").trim();
  try {
    return execFileSync("git", ["-C", __dirname, "rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

// Read once, when loaded: a worker tells the code it runs, not the code that lies on the disk by then.
const LOADED = { version: VERSION, revision: revisionOnDisk() };

function answer(url) {
  if (url === "/healthz") {
    return { code: HEALTHY ? 200 : 503, body: { status: HEALTHY ? "healthy" : "degraded", ...LOADED }, delay: 0 };
  }
  return { code: 200, body: LOADED, delay: url === "/slow" ? 500 : 0 };
}

module.exports = { VERSION, START_MS, answer };
