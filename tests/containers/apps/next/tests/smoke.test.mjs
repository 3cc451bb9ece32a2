// What has to work before the Next.js app is built.
import assert from "node:assert";
import test from "node:test";
import { VERSION } from "../lib/release.mjs";

test("the version has three numbers", () => {
  assert.strictEqual(VERSION.split(".").length, 3);
});
