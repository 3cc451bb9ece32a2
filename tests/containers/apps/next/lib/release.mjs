// What this server was loaded from: read once, so that a worker tells the code it runs.
import { execFileSync } from "node:child_process";
import fs from "node:fs";

export const VERSION = "1.0.0";
export const HEALTHY = true;

function revisionOnDisk() {
  if (fs.existsSync("REVISION")) return fs.readFileSync("REVISION", "utf8").trim();
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

export const REVISION = revisionOnDisk();
