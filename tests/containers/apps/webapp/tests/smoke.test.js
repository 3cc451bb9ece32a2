// What has to work before the web app is switched to.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { VERSION, answer } = require("../app");

test("the app tells what it runs", () => {
  assert.strictEqual(answer("/").body.version, VERSION);
});

test("the version has three numbers", () => {
  assert.strictEqual(VERSION.split(".").length, 3);
});
